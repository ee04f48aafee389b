/* Every possible misuse that does not run a network: misuse MODELS CLIP */
#include "expect.h"

#include <stdint.h>

static int logged = 0;

static void count_log(void *user, int32_t level, const char *message) {
    EXPECT(user == &logged && level >= KINESCORE_LOG_ERROR && level <= KINESCORE_LOG_TRACE && message != NULL);
    GIVES(KINESCORE_BUSY, kinescore_set_log(NULL, NULL, KINESCORE_LOG_OFF));
    logged++;
}

static void about_the_library(void) {
    EXPECT(kinescore_abi_version() == KINESCORE_ABI_VERSION);
    EXPECT(strlen(kinescore_version()) >= 5);
    EXPECT(strcmp(kinescore_last_error(), "") == 0);
    EXPECT(strcmp(kinescore_status_name(KINESCORE_NO_BEAT), "KINESCORE_NO_BEAT") == 0);
    EXPECT(strcmp(kinescore_status_name(-7), "KINESCORE_UNKNOWN") == 0);
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_set_log(count_log, &logged, 6));
    GIVES(KINESCORE_OK, kinescore_set_log(count_log, &logged, KINESCORE_LOG_TRACE));
}

static void the_table_of_settings(void) {
    kinescore_setting setting = {.struct_size = sizeof setting};
    kinescore_settings *settings = NULL;
    MUST(kinescore_settings_new(&settings));
    size_t count = kinescore_setting_count();
    EXPECT(count > 20);
    for (size_t index = 0; index < count; index++) {
        char value[256];
        size_t size = 0;
        GIVES(KINESCORE_OK, kinescore_setting_at(index, &setting));
        EXPECT(setting.key[0] && setting.help[0] && setting.allowed[0] && setting.default_value[0]);
        GIVES(KINESCORE_OK, kinescore_settings_get(settings, setting.key, value, sizeof value, &size));
        EXPECT(strcmp(value, setting.default_value) == 0 && size == strlen(value) + 1);
        GIVES(KINESCORE_OK, kinescore_settings_set(settings, setting.key, setting.default_value));
        EXPECT((setting.words != NULL) == (setting.word_count > 0));
        for (uint32_t word = 0; word < setting.word_count; word++) {
            EXPECT(strcmp(setting.words[word], "auto") != 0);
            GIVES(KINESCORE_OK, kinescore_settings_set(settings, setting.key, setting.words[word]));
        }
        if (setting.has_auto) GIVES(KINESCORE_OK, kinescore_settings_set(settings, setting.key, "auto"));
        if (setting.kind == KINESCORE_KIND_NUMBER) EXPECT(setting.least < setting.most);
        if (setting.kind == KINESCORE_KIND_WHOLE) EXPECT(setting.least_whole < setting.most_whole);
        GIVES(KINESCORE_SETTING_VALUE, kinescore_settings_set(settings, setting.key, "no such value"));
    }
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_setting_at(count, &setting));
    GIVES(KINESCORE_NULL_POINTER, kinescore_setting_at(0, NULL));
    setting.struct_size = 8;
    GIVES(KINESCORE_BAD_STRUCT_SIZE, kinescore_setting_at(0, &setting));

    struct {
        kinescore_setting known;
        double later;
    } newer = {.later = 7};
    newer.known.struct_size = sizeof newer;
    GIVES(KINESCORE_OK, kinescore_setting_at(0, &newer.known));
    EXPECT(newer.known.struct_size == sizeof newer && newer.later == 7);
    kinescore_settings_free(settings);
}

static void settings_alone(void) {
    kinescore_settings *settings = NULL;
    char buffer[64] = "untouched";
    size_t size = 99;
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_new(NULL));
    MUST(kinescore_settings_new(&settings));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_set(NULL, "tempo", "100"));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_set(settings, NULL, "100"));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_set(settings, "tempo", NULL));
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_settings_set(settings, "tempo", "\xff"));
    SAYS("value is not UTF-8");
    GIVES(KINESCORE_UNKNOWN_SETTING, kinescore_settings_set(settings, "tempoo", "100"));
    SAYS("did you mean 'tempo'");
    GIVES(KINESCORE_SETTING_VALUE, kinescore_settings_set(settings, "tempo", "1000"));
    SAYS("40 to 240");
    GIVES(KINESCORE_OK, kinescore_settings_set(settings, "tempo", "100"));
    GIVES(KINESCORE_OK, kinescore_settings_get(settings, "tempo", NULL, 0, &size));
    EXPECT(size == 4);
    size = 99;
    GIVES(KINESCORE_BUFFER_TOO_SMALL, kinescore_settings_get(settings, "tempo", buffer, 3, &size));
    EXPECT(size == 99 && strcmp(buffer, "untouched") == 0);
    GIVES(KINESCORE_OK, kinescore_settings_get(settings, "tempo", buffer, 4, &size));
    EXPECT(strcmp(buffer, "100") == 0);
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_get(NULL, "tempo", buffer, 64, &size));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_get(settings, NULL, buffer, 64, &size));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_get(settings, "tempo", NULL, 64, &size));
    GIVES(KINESCORE_NULL_POINTER, kinescore_settings_get(settings, "tempo", buffer, 64, NULL));
    GIVES(KINESCORE_UNKNOWN_SETTING, kinescore_settings_get(settings, "tempoo", buffer, 64, &size));
    SAYS("did you mean 'tempo'");
    kinescore_settings_free(settings);
    kinescore_settings_free(NULL);
}

static void engines(const char *models) {
    kinescore_resources resources = {.struct_size = sizeof resources};
    kinescore_engine *engine = NULL;
    GIVES(KINESCORE_NULL_POINTER, kinescore_engine_new(&resources, NULL));
    resources.struct_size = 0;
    GIVES(KINESCORE_BAD_STRUCT_SIZE, kinescore_engine_new(&resources, &engine));
    resources.struct_size = sizeof resources;
    resources.models = "/no such folder";
    GIVES(KINESCORE_MODEL_MISSING, kinescore_engine_new(&resources, &engine));
    SAYS("/no such folder");
    resources.models = "\xc3\x28";
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_engine_new(&resources, &engine));
    EXPECT(engine == NULL);
    resources.models = models;
    GIVES(KINESCORE_OK, kinescore_engine_new(&resources, &engine));
    EXPECT(engine != NULL);
    kinescore_engine_free(engine);
    kinescore_engine_free(NULL);
    (void)models;
}

/* Every function on a job, with NULL where it is not allowed. */
static void null_jobs(kinescore_engine *engine) {
    kinescore_job *job = NULL;
    kinescore_summary summary = {.struct_size = sizeof summary};
    kinescore_audio_format format = {.struct_size = sizeof format};
    kinescore_frames_info info = {.struct_size = sizeof info, .width = 64, .height = 64};
    kinescore_frame frame = {.struct_size = sizeof frame};
    float samples[2];
    char text[64];
    size_t count;
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_new(NULL, NULL, &job));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_new(engine, NULL, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_open_video(NULL, "clip.mp4"));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_begin_frames(NULL, &info));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_push_frame(NULL, &frame));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_end_frames(NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_set_cut(NULL, 0, 1, 1, 1));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_set_marks(NULL, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_run(NULL, NULL, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_cancel(NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_summary(NULL, &summary));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_beats(NULL, NULL, 0, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_accents(NULL, NULL, 0, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_body_accents(NULL, NULL, 0, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_holds(NULL, NULL, 0, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_music_key(NULL, text, sizeof text, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_key(NULL, text, sizeof text, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_audio_format(NULL, &format));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_read_audio(NULL, 0, 1, samples, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_write(NULL, "wav", "a.wav"));
    kinescore_job_free(NULL);

    MUST(kinescore_job_new(engine, NULL, &job));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_open_video(job, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_begin_frames(job, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_push_frame(job, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_summary(job, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_audio_format(job, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_read_audio(job, 0, 1, NULL, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_read_audio(job, 0, 1, samples, NULL));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_write(job, NULL, "a.wav"));
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_write(job, "wav", NULL));
    summary.struct_size = 4;
    GIVES(KINESCORE_BAD_STRUCT_SIZE, kinescore_job_summary(job, &summary));
    kinescore_job_free(job);
}

/* Calls that come too early, too late or twice. */
static void wrong_states(kinescore_engine *engine, const char *clip) {
    kinescore_job *job = NULL;
    kinescore_settings *settings = NULL;
    kinescore_summary summary = {.struct_size = sizeof summary, .tempo = -1};
    kinescore_frames_info info = {.struct_size = sizeof info, .width = 64, .height = 64};
    kinescore_frame frame = {.struct_size = sizeof frame};
    char text[128];
    size_t count = 99;

    MUST(kinescore_settings_new(&settings));
    MUST(kinescore_settings_set(settings, "tempo.min", "170"));
    GIVES(KINESCORE_SETTING_VALUE, kinescore_job_new(engine, settings, &job));
    EXPECT(job == NULL);
    kinescore_settings_free(settings);

    MUST(kinescore_job_new(engine, NULL, &job));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_run(job, NULL, NULL));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_push_frame(job, &frame));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_end_frames(job));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_summary(job, &summary));
    EXPECT(summary.tempo == -1);
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_beats(job, NULL, 0, &count));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_key(job, text, sizeof text, &count));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_write(job, "wav", "/tmp/never.wav"));
    EXPECT(count == 99);
    GIVES(KINESCORE_INPUT, kinescore_job_open_video(job, "/no such clip.mp4"));
    SAYS("/no such clip.mp4");
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_open_video(job, ""));
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_open_video(job, "\xe2\x82"));
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_set_cut(job, 0, 1, 1, 0));
    SAYS("1/0; expected 1/4 to 4");
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_set_cut(job, 0, 1, 5, 1));
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_set_marks(job, "\xe2\x82"));
    GIVES(KINESCORE_MARKS, kinescore_job_set_marks(job, "{}"));
    SAYS("marks: it is JSON, but not marks: it has no field 'format'");
    GIVES(KINESCORE_MARKS,
          kinescore_job_set_marks(job, "{\"format\": \"kinescore-marks\", \"version\": 1, \"hits\": [{\"time\": -1}]}"));
    SAYS("marks: hits[0].time is -1 s; expected 0 to 1000000 s");
    GIVES(KINESCORE_OK, kinescore_job_set_marks(job, ""));

    /* A cancellation before a call stops that call, and only that one: a job that was not opened is as new. */
    GIVES(KINESCORE_OK, kinescore_job_cancel(job));
    GIVES(KINESCORE_CANCELLED, kinescore_job_open_video(job, clip));
    GIVES(KINESCORE_OK, kinescore_job_open_video(job, clip));
    GIVES(KINESCORE_OK, kinescore_job_cancel(job));
    GIVES(KINESCORE_CANCELLED, kinescore_job_run(job, NULL, NULL));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_open_video(job, clip));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_begin_frames(job, &info));
    GIVES(KINESCORE_OK, kinescore_job_key(job, text, sizeof text, &count));
    EXPECT(count == 65 && strlen(text) == 64);
    GIVES(KINESCORE_CUT_OUTSIDE, kinescore_job_set_cut(job, 0, 100 * KINESCORE_FLICKS_PER_SECOND, 1, 1));
    GIVES(KINESCORE_CLIP_TOO_SHORT, kinescore_job_set_cut(job, 0, KINESCORE_FLICKS_PER_SECOND, 1, 1));
    GIVES(KINESCORE_OK, kinescore_job_set_cut(job, 0, 3 * KINESCORE_FLICKS_PER_SECOND, 1, 1));

    /* Marks are part of the key. */
    char marked[128];
    GIVES(KINESCORE_OK, kinescore_job_key(job, text, sizeof text, &count));
    GIVES(KINESCORE_OK,
          kinescore_job_set_marks(job, "{\"format\": \"kinescore-marks\", \"version\": 1, \"hits\": [{\"time\": 1}]}"));
    GIVES(KINESCORE_OK, kinescore_job_key(job, marked, sizeof marked, &count));
    EXPECT(strcmp(text, marked) != 0);
    GIVES(KINESCORE_OK, kinescore_job_set_marks(job, NULL));

    /* The key does not need a job, and is the same; at another speed it differs. */
    char key[128], other[128];
    GIVES(KINESCORE_OK, kinescore_job_key(job, text, sizeof text, &count));
    GIVES(KINESCORE_OK, kinescore_engine_key(engine, NULL, clip, 0, 3 * KINESCORE_FLICKS_PER_SECOND, 1, 1, key,
                                             sizeof key, &count));
    EXPECT(strcmp(text, key) == 0);
    GIVES(KINESCORE_OK, kinescore_engine_key(engine, NULL, clip, 0, 3 * KINESCORE_FLICKS_PER_SECOND, 3, 2, other,
                                             sizeof other, &count));
    EXPECT(strcmp(other, key) != 0);
    GIVES(KINESCORE_NULL_POINTER, kinescore_engine_key(NULL, NULL, clip, 0, 1, 1, 1, key, sizeof key, &count));
    GIVES(KINESCORE_NULL_POINTER, kinescore_engine_key(engine, NULL, NULL, 0, 1, 1, 1, key, sizeof key, &count));
    GIVES(KINESCORE_INPUT, kinescore_engine_key(engine, NULL, "/no such clip", 0, 1, 1, 1, key, sizeof key, &count));

    /* Without ONNX Runtime a run fails, lists the places searched, and can be tried again. */
    for (int again = 0; again < 2; again++) {
        GIVES(KINESCORE_RUNTIME_MISSING, kinescore_job_run(job, NULL, NULL));
        SAYS("/no such runtime");
    }
    kinescore_job_free(job);
}

static void pushed_frames(kinescore_engine *engine) {
    kinescore_job *job = NULL;
    kinescore_frames_info info = {.struct_size = sizeof info, .width = 64, .height = 8, .name = "host"};
    static uint8_t pixels[64 * 64 * 4];
    kinescore_frame frame = {.struct_size = sizeof frame,
                             .layout = KINESCORE_LAYOUT_RGBA,
                             .depth = KINESCORE_DEPTH_U8,
                             .width = 64,
                             .height = 64,
                             .stride = 256,
                             .pixels = pixels};
    MUST(kinescore_job_new(engine, NULL, &job));
    GIVES(KINESCORE_FRAME_SIZE, kinescore_job_begin_frames(job, &info));
    SAYS("host: frames of 64");
    info.height = 64;
    info.duration = 1;
    GIVES(KINESCORE_CLIP_TOO_SHORT, kinescore_job_begin_frames(job, &info));
    info.duration = 0;
    info.pixel_aspect = 100;
    GIVES(KINESCORE_FRAME, kinescore_job_begin_frames(job, &info));
    info.pixel_aspect = 0;
    GIVES(KINESCORE_OK, kinescore_job_begin_frames(job, &info));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_begin_frames(job, &info));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_run(job, NULL, NULL));
    frame.layout = 9;
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_push_frame(job, &frame));
    frame.layout = KINESCORE_LAYOUT_BGRA;
    frame.depth = 0;
    GIVES(KINESCORE_BAD_ARGUMENT, kinescore_job_push_frame(job, &frame));
    frame.depth = KINESCORE_DEPTH_U8;
    frame.pixels = NULL;
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_push_frame(job, &frame));
    frame.pixels = pixels;
    frame.stride = 255;
    GIVES(KINESCORE_FRAME, kinescore_job_push_frame(job, &frame));
    frame.stride = INT64_MIN;
    GIVES(KINESCORE_FRAME, kinescore_job_push_frame(job, &frame));
    frame.stride = 256;
    frame.width = 32;
    GIVES(KINESCORE_FRAME, kinescore_job_push_frame(job, &frame));
    frame.width = 64;
    frame.time = -1;
    GIVES(KINESCORE_FRAME, kinescore_job_push_frame(job, &frame));
    SAYS("frame 1: a time of -1 s");

    /* The pose stage cannot begin without ONNX Runtime: after a few frames the host gets the error,
       and may begin again. */
    kinescore_status status = KINESCORE_OK;
    frame.time = 0;
    for (int index = 0; index < 1000 && status == KINESCORE_OK; index++) {
        frame.time += 0.04;
        status = kinescore_job_push_frame(job, &frame);
    }
    EXPECT(status == KINESCORE_RUNTIME_MISSING);
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_push_frame(job, &frame));
    GIVES(KINESCORE_OK, kinescore_job_begin_frames(job, &info));
    GIVES(KINESCORE_NO_FRAMES, kinescore_job_end_frames(job));

    /* From the bottom up: the pointer is to the top row, the last in memory. */
    GIVES(KINESCORE_OK, kinescore_job_begin_frames(job, &info));
    frame.time = 0;
    frame.stride = -256;
    frame.pixels = pixels + 63 * 256;
    status = kinescore_job_push_frame(job, &frame);
    EXPECT(status == KINESCORE_OK || status == KINESCORE_RUNTIME_MISSING);
    kinescore_job_free(job); /* in the middle */

    MUST(kinescore_job_new(engine, NULL, &job));
    GIVES(KINESCORE_OK, kinescore_job_begin_frames(job, &info));
    GIVES(KINESCORE_OK, kinescore_job_cancel(job));
    GIVES(KINESCORE_CANCELLED, kinescore_job_push_frame(job, &frame));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_end_frames(job));
    kinescore_job_free(job);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    about_the_library();
    the_table_of_settings();
    settings_alone();
    engines(argv[1]);

    kinescore_resources resources = {
        .struct_size = sizeof resources, .models = argv[1], .onnxruntime = "/no such runtime"};
    kinescore_engine *engine = NULL;
    MUST(kinescore_engine_new(&resources, &engine));
    null_jobs(engine);
    wrong_states(engine, argv[2]);
    pushed_frames(engine);

    /* A job outlives its engine. */
    kinescore_job *job = NULL;
    MUST(kinescore_job_new(engine, NULL, &job));
    kinescore_engine_free(engine);
    GIVES(KINESCORE_OK, kinescore_job_open_video(job, argv[2]));
    kinescore_job_free(job);

    EXPECT(logged > 0);
    GIVES(KINESCORE_OK, kinescore_set_log(NULL, NULL, KINESCORE_LOG_OFF));
    if (failures == 0) printf("misuse: all as expected\n");
    return failures != 0;
}
