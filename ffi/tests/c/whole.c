/*
 * Processes a clip from end to end, by its path: whole MODELS ONNXRUNTIME CLIP FOLDER
 *
 * Stops the run once in every stage from another thread, runs to the end, reads the sound in
 * blocks, writes every format, cuts again and runs again.
 */
#include "expect.h"

#include <pthread.h>

#define MARKS "{\"format\": \"kinescore-marks\", \"version\": 1, "

static kinescore_job *job;

/* The progress function waits at the first report of a stage until the other thread has cancelled. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int stop_at = 0, asked = 0, answered = 0, reports = 0;
static double overall = 0;

static int32_t watch(void *user, int32_t stage, double stage_done, double overall_done) {
    EXPECT(user == &overall && stage >= KINESCORE_STAGE_POSE && stage <= KINESCORE_STAGE_AUDIO);
    EXPECT(stage_done >= 0 && stage_done <= 1 && overall_done >= 0 && overall_done <= 1);
    EXPECT(kinescore_job_summary(job, &(kinescore_summary){.struct_size = sizeof(kinescore_summary)}) == KINESCORE_BUSY);
    pthread_mutex_lock(&lock);
    reports++;
    overall = overall_done;
    if (stage == stop_at && !asked) {
        asked = 1;
        pthread_cond_broadcast(&changed);
        while (!answered) pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return 1;
}

static void *canceller(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!asked) pthread_cond_wait(&changed, &lock);
    GIVES(KINESCORE_OK, kinescore_job_cancel(job));
    answered = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void cancel_in_every_stage(void) {
    for (int stage = KINESCORE_STAGE_POSE; stage <= KINESCORE_STAGE_AUDIO; stage++) {
        pthread_t thread;
        stop_at = stage;
        asked = answered = 0;
        pthread_create(&thread, NULL, canceller, NULL);
        GIVES(KINESCORE_CANCELLED, kinescore_job_run(job, watch, &overall));
        pthread_join(thread, NULL);
    }
    stop_at = 0;
}

static int32_t stop(void *user, int32_t stage, double stage_done, double overall_done) {
    (void)user, (void)stage, (void)stage_done, (void)overall_done;
    return 0;
}

static void write_all(const char *folder) {
    static const char *const files[][2] = {{"wav", "a.wav"}, {"mid", "a.mid"},  {"json", "a.json"}, {"svg", "a.svg"},
                                           {"png", "a.png"}, {"stems", "stems"}, {"mp4", "a.mp4"},   {"video", "b.mkv"}};
    char path[1024];
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[index][1]);
        GIVES(KINESCORE_OK, kinescore_job_write(job, files[index][0], path));
    }
    snprintf(path, sizeof path, "%s/a.mp4", folder);
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_write(job, "mkv", path));
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_write(job, "mp3", path));
    SAYS("format 'mp3'; expected one of wav");
    GIVES(KINESCORE_OUTPUT, kinescore_job_write(job, "wav", "/no such folder/a.wav"));
    GIVES(KINESCORE_OK, kinescore_job_cancel(job));
    GIVES(KINESCORE_CANCELLED, kinescore_job_write(job, "mp4", path));
}

/* Reads all of the sound in blocks of 1000; returns a hash of it. */
static unsigned long long read_all(kinescore_audio_format format) {
    static float block[2 * 1000];
    unsigned long long hash = 1469598103934665603ULL;
    uint64_t at = 0;
    size_t read = 1;
    float loudest = 0;
    while (read > 0) {
        MUST(kinescore_job_read_audio(job, at, 1000, block, &read));
        EXPECT(read == 1000 || at + read == format.frames || read == 0);
        for (size_t index = 0; index < format.channels * read; index++) {
            unsigned char bytes[sizeof(float)];
            memcpy(bytes, &block[index], sizeof bytes);
            for (size_t byte = 0; byte < sizeof bytes; byte++) hash = (hash ^ bytes[byte]) * 1099511628211ULL;
            if (block[index] > loudest) loudest = block[index];
        }
        at += read;
    }
    EXPECT(at == format.frames && loudest > 0.05f && loudest <= 1.0f);
    GIVES(KINESCORE_OK, kinescore_job_read_audio(job, UINT64_MAX, SIZE_MAX, block, &read));
    EXPECT(read == 0);
    return hash;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    kinescore_resources resources = {.struct_size = sizeof resources, .models = argv[1], .onnxruntime = argv[2]};
    kinescore_engine *engine = NULL;
    kinescore_settings *settings = NULL;
    MUST(kinescore_engine_new(&resources, &engine));
    MUST(kinescore_settings_new(&settings));
    MUST(kinescore_settings_set(settings, "pose.rate", "10"));
    MUST(kinescore_settings_set(settings, "beats.source", "motion"));
    MUST(kinescore_settings_set(settings, "tempo", "110"));
    MUST(kinescore_settings_set(settings, "music.instruments", "drums,bass"));
    MUST(kinescore_settings_set(settings, "music.key", "F# minor"));
    MUST(kinescore_job_new(engine, settings, &job));
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);

    MUST(kinescore_job_open_video(job, argv[3]));
    GIVES(KINESCORE_CANCELLED, kinescore_job_run(job, stop, NULL));
    cancel_in_every_stage();
    MUST(kinescore_job_run(job, watch, &overall));
    EXPECT(overall == 1.0 && reports > 10);
    int before = reports;
    MUST(kinescore_job_run(job, watch, &overall));
    EXPECT(reports == before); /* nothing was left to do */

    kinescore_summary summary = {.struct_size = sizeof summary};
    MUST(kinescore_job_summary(job, &summary));
    EXPECT(summary.people >= 1 && summary.tempo > 100 && summary.tempo < 120 && summary.notes > 10);
    EXPECT(summary.beats_source == KINESCORE_BEATS_MOTION && summary.confidence >= 0 && summary.confidence <= 1);
    EXPECT(summary.key_tonic == 6 && summary.key_mode == KINESCORE_MODE_MINOR && summary.style[0]);
    EXPECT(summary.loudness > -24 && summary.loudness < -12 && summary.true_peak <= 0);

    char text[64];
    size_t count = 0;
    MUST(kinescore_job_music_key(job, text, sizeof text, &count));
    EXPECT(strcmp(text, "F# minor") == 0 && count == 9);

    MUST(kinescore_job_beats(job, NULL, 0, &count));
    EXPECT(count == summary.beats && count >= 4);
    kinescore_beat *beats = calloc(count, sizeof *beats);
    GIVES(KINESCORE_BUFFER_TOO_SMALL, kinescore_job_beats(job, beats, count - 1, &count));
    EXPECT(beats[0].number == 0);
    MUST(kinescore_job_beats(job, beats, count, &count));
    for (size_t index = 0; index < count; index++) {
        EXPECT(beats[index].number >= 1 && beats[index].number <= summary.beats_per_bar);
        EXPECT(index == 0 || beats[index].time > beats[index - 1].time);
    }
    free(beats);
    MUST(kinescore_job_accents(job, NULL, 0, &count));
    EXPECT(count == summary.accents && count >= 1);
    kinescore_accent *accents = calloc(count, sizeof *accents);
    MUST(kinescore_job_accents(job, accents, count, &count));
    for (size_t index = 0; index < count; index++)
        EXPECT(accents[index].strength > 0 && accents[index].strength <= 1 && accents[index].kind >= 1);
    kinescore_body_accent *of_body = calloc(count, sizeof *of_body);
    MUST(kinescore_job_body_accents(job, of_body, count, &count));
    size_t landings = 0;
    for (size_t index = 0; index < count; index++) {
        EXPECT(of_body[index].time == accents[index].time && of_body[index].strength == accents[index].strength);
        EXPECT(of_body[index].kind == accents[index].kind);
        EXPECT(of_body[index].part >= KINESCORE_PART_FEET && of_body[index].part <= KINESCORE_PART_WHOLE);
        /* Only impacts have a way in which they end. */
        EXPECT((of_body[index].kind == KINESCORE_ACCENT_IMPACT) == (of_body[index].impact != 0));
        EXPECT(of_body[index].impact <= KINESCORE_IMPACT_TURN);
        landings += of_body[index].impact == KINESCORE_IMPACT_LANDING;
    }
    EXPECT(landings >= 2); /* a walk */
    free(of_body);
    free(accents);
    MUST(kinescore_job_holds(job, NULL, 0, &count));
    kinescore_hold *holds = calloc(count + 1, sizeof *holds);
    MUST(kinescore_job_holds(job, holds, count + 1, &count));
    for (size_t index = 0; index < count; index++) EXPECT(holds[index].from < holds[index].to);
    free(holds);

    kinescore_audio_format format = {.struct_size = sizeof format};
    MUST(kinescore_job_audio_format(job, &format));
    EXPECT(format.rate == 48000 && format.channels == 2 && format.frames == (uint64_t)(summary.duration * 48000 + 0.5));
    unsigned long long whole = read_all(format);
    write_all(argv[4]);

    /* Cut again: three seconds of the media at one and a half times its speed are two, to the
       sample. */
    GIVES(KINESCORE_OK,
          kinescore_job_set_cut(job, KINESCORE_FLICKS_PER_SECOND / 2, KINESCORE_FLICKS_PER_SECOND * 7 / 2, 3, 2));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_summary(job, &summary));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_audio_format(job, &format));
    EXPECT(format.frames == 96000);
    EXPECT(read_all(format) != whole);
    char path[1024];
    snprintf(path, sizeof path, "%s/fast.mp4", argv[4]);
    GIVES(KINESCORE_PICTURE_SPEED, kinescore_job_write(job, "mp4", path));

    /* And back: the same samples as before. */
    MUST(kinescore_job_set_cut(job, KINESCORE_MEDIA_START, KINESCORE_MEDIA_END, 1, 1));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_audio_format(job, &format));
    EXPECT(read_all(format) == whole);

    /* Marks: a hit is in another sound, fixed beats are among the beats to the millisecond, and without marks it is as
       before. */
    MUST(kinescore_job_set_marks(job, MARKS "\"hits\": [{\"time\": 2.043, \"answer\": [\"drums\", \"stop\"]}]}"));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_summary(job, &summary));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_audio_format(job, &format));
    EXPECT(read_all(format) != whole);
    MUST(kinescore_job_set_marks(job, MARKS "\"beats\": [{\"time\": 1.0123, \"number\": 1}, {\"time\": 3.0456}]}"));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_beats(job, NULL, 0, &count));
    beats = calloc(count, sizeof *beats);
    MUST(kinescore_job_beats(job, beats, count, &count));
    int met = 0;
    for (size_t index = 0; index < count; index++) {
        met += beats[index].time > 1.0113 && beats[index].time < 1.0133 && beats[index].number == 1;
        met += beats[index].time > 3.0446 && beats[index].time < 3.0466;
    }
    EXPECT(met == 2);
    free(beats);
    MUST(kinescore_job_set_marks(job, NULL));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_audio_format(job, &format));
    EXPECT(read_all(format) == whole);
    printf("%llx\n", whole);
    kinescore_job_free(job);
    return failures != 0;
}
