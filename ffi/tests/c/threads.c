/* Eight jobs on one engine at once: threads MODELS ONNXRUNTIME CLIP. All must give the same result.
 * Then one whose sound is read while it is made. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "expect.h"

#include <pthread.h>
#include <time.h>

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

    /* Each thread has its own errors. */
    GIVES(KINESCORE_NULL_POINTER, kinescore_job_run(NULL, NULL, NULL));
    SAYS("job is NULL");
    return NULL;
}

/* Reads a job's sound while another thread makes it. */
struct listener {
    kinescore_job *job;
    float *samples;
    size_t capacity, heard, while_running;
    int running;
};

static void *listen(void *pointer) {
    struct listener *listener = pointer;
    for (;;) {
        size_t read = 0;
        int running = __atomic_load_n(&listener->running, __ATOMIC_ACQUIRE);
        kinescore_status status = kinescore_job_read_audio(listener->job, listener->heard, 1000,
                                                           listener->samples + 2 * listener->heard, &read);
        if (status == KINESCORE_BUSY || status == KINESCORE_WRONG_STATE) {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            continue;
        }
        EXPECT(status == KINESCORE_OK && read <= 1000);
        if (status != KINESCORE_OK || read == 0) return NULL;
        listener->heard += read;
        EXPECT(listener->heard + 1000 <= listener->capacity);
        if (running) listener->while_running += read;
    }
}

static void stream(void) {
    struct listener listener = {.capacity = 96000 * 20, .running = 1};
    kinescore_audio_format format = {.struct_size = sizeof format};
    size_t read = 0;
    pthread_t thread;
    /* A different rate, so that none of its sound has been made before. */
    MUST(kinescore_settings_set(settings, "sound.rate", "96000"));
    MUST(kinescore_job_new(engine, settings, &listener.job));
    MUST(kinescore_job_open_video(listener.job, clip));
    listener.samples = malloc(sizeof(float) * 2 * listener.capacity);
    pthread_create(&thread, NULL, listen, &listener);
    MUST(kinescore_job_run(listener.job, NULL, NULL));
    __atomic_store_n(&listener.running, 0, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    MUST(kinescore_job_audio_format(listener.job, &format));
    float *whole = malloc(sizeof(float) * 2 * format.frames);
    MUST(kinescore_job_read_audio(listener.job, 0, format.frames, whole, &read));
    EXPECT(listener.heard == format.frames && read == format.frames);
    EXPECT(memcmp(whole, listener.samples, sizeof(float) * 2 * read) == 0);
    EXPECT(listener.while_running > 0);
    free(whole);
    free(listener.samples);
    kinescore_job_free(listener.job);
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
    stream();
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);
    return failures != 0;
}
