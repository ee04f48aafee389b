/* Eight jobs on one engine at once: threads MODELS ONNXRUNTIME CLIP. All must come out the same. */
#include "expect.h"

#include <pthread.h>

#define JOBS 8

static kinescore_engine *engine;
static kinescore_settings *settings;
static const char *clip;
static unsigned long long hashes[JOBS + 1];

static void *work(void *number) {
    kinescore_job *job = NULL;
    kinescore_audio_format format = {.struct_size = sizeof format};
    size_t read = 0;
    MUST(kinescore_job_new(engine, settings, &job));
    MUST(kinescore_job_open_video(job, clip));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_audio_format(job, &format));
    float *samples = malloc(sizeof(float) * format.channels * format.frames);
    MUST(kinescore_job_read_audio(job, 0, format.frames, samples, &read));
    EXPECT(read == format.frames);
    unsigned long long hash = 1469598103934665603ULL;
    const unsigned char *bytes = (const unsigned char *)samples;
    for (size_t index = 0; index < sizeof(float) * format.channels * read; index++)
        hash = (hash ^ bytes[index]) * 1099511628211ULL;
    hashes[*(int *)number] = hash;
    free(samples);
    kinescore_job_free(job);

    /* Errors are each thread's own. */
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_run(NULL, NULL, NULL));
    SAYS("job is NULL");
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    kinescore_resources resources = {.struct_size = sizeof resources, .models = argv[1], .onnxruntime = argv[2]};
    clip = argv[3];
    MUST(kinescore_engine_new(&resources, &engine));
    MUST(kinescore_settings_new(&settings));
    MUST(kinescore_settings_set(settings, "pose.rate", "10"));
    MUST(kinescore_settings_set(settings, "beats.source", "motion"));
    MUST(kinescore_settings_set(settings, "tempo", "120"));
    MUST(kinescore_settings_set(settings, "music.instruments", "drums"));
    pthread_t threads[JOBS];
    int numbers[JOBS + 1];
    for (int index = 0; index < JOBS; index++) {
        numbers[index] = index;
        pthread_create(&threads[index], NULL, work, &numbers[index]);
    }
    for (int index = 0; index < JOBS; index++) pthread_join(threads[index], NULL);
    numbers[JOBS] = JOBS;
    work(&numbers[JOBS]); /* alone */
    for (int index = 0; index < JOBS; index++) EXPECT(hashes[index] == hashes[JOBS]);
    EXPECT(strcmp(kinescore_last_error(), "job is NULL") == 0);
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);
    return failures != 0;
}
