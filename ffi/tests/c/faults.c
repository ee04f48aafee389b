/* Deliberate faults of the library: faults MODELS ONNXRUNTIME CLIP, against the library with
   panic-injection. */
#include "expect.h"

void kinescore_test_panic(const char *place);

static int errors_logged = 0;

static void listen(void *user, int32_t level, const char *message) {
    (void)user, (void)message;
    if (level == KINESCORE_LOG_ERROR) errors_logged++;
}

static int32_t go_on(void *user, int32_t stage, double stage_done, double overall_done) {
    (void)user, (void)stage, (void)stage_done, (void)overall_done;
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    kinescore_resources resources = {.struct_size = sizeof resources, .models = argv[1], .onnxruntime = argv[2]};
    kinescore_engine *engine = NULL;
    kinescore_settings *settings = NULL;
    kinescore_job *job = NULL, *other = NULL;
    kinescore_summary summary = {.struct_size = sizeof summary};
    size_t count = 0;
    MUST(kinescore_set_log(listen, NULL, KINESCORE_LOG_ERROR));

    /* Without a job, only that call is lost. */
    kinescore_test_panic("kinescore_engine_new");
    GIVES(KINESCORE_PANIC, kinescore_engine_new(&resources, &engine));
    SAYS("an error in the library itself, in kinescore_engine_new at ");
    SAYS("requested in kinescore_engine_new");
    EXPECT(engine == NULL && errors_logged == 1);
    MUST(kinescore_engine_new(&resources, &engine));
    kinescore_test_panic("kinescore_settings_new");
    GIVES(KINESCORE_PANIC, kinescore_settings_new(&settings));
    MUST(kinescore_settings_new(&settings));
    kinescore_test_panic("kinescore_settings_set");
    GIVES(KINESCORE_PANIC, kinescore_settings_set(settings, "tempo", "100"));
    MUST(kinescore_settings_set(settings, "tempo", "100"));
    kinescore_test_panic("kinescore_job_new");
    GIVES(KINESCORE_PANIC, kinescore_job_new(engine, settings, &job));
    EXPECT(job == NULL);

    /* At each entry of a job: that job is lost, everything else continues. */
    static const char *const places[] = {"kinescore_job_open_video", "kinescore_job_set_cut", "kinescore_job_summary",
                                         "kinescore_job_run"};
    for (size_t index = 0; index < sizeof places / sizeof *places; index++) {
        MUST(kinescore_job_new(engine, settings, &job));
        kinescore_test_panic(places[index]);
        kinescore_status first = KINESCORE_OK;
        switch (index) {
        case 0: first = kinescore_job_open_video(job, argv[3]); break;
        case 1: first = kinescore_job_set_cut(job, 0, 1, 1, 1); break;
        case 2: first = kinescore_job_summary(job, &summary); break;
        default: first = kinescore_job_run(job, NULL, NULL);
        }
        EXPECT(first == KINESCORE_PANIC);
        SAYS(places[index]);
        GIVES(KINESCORE_POISONED, kinescore_job_open_video(job, argv[3]));
        GIVES(KINESCORE_POISONED, kinescore_job_run(job, NULL, NULL));
        GIVES(KINESCORE_POISONED, kinescore_job_beats(job, NULL, 0, &count));
        GIVES(KINESCORE_OK, kinescore_job_cancel(job));
        kinescore_job_free(job);
    }

    /* In the middle of a run, with networks loaded and a decoder in use. */
    MUST(kinescore_settings_set(settings, "pose.rate", "10"));
    MUST(kinescore_settings_set(settings, "beats.source", "motion"));
    MUST(kinescore_settings_set(settings, "music.instruments", "drums"));
    MUST(kinescore_job_new(engine, settings, &job));
    MUST(kinescore_job_new(engine, settings, &other));
    MUST(kinescore_job_open_video(job, argv[3]));
    kinescore_test_panic("progress");
    GIVES(KINESCORE_PANIC, kinescore_job_run(job, go_on, NULL));
    SAYS("requested in progress");
    GIVES(KINESCORE_POISONED, kinescore_job_summary(job, &summary));
    kinescore_job_free(job);
    MUST(kinescore_job_open_video(other, argv[3]));
    MUST(kinescore_job_run(other, go_on, NULL));
    MUST(kinescore_job_summary(other, &summary));
    EXPECT(summary.notes > 10);
    kinescore_job_free(other);

    /* Freeing does not end the host either. */
    kinescore_test_panic("kinescore_settings_free");
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);
    MUST(kinescore_set_log(NULL, NULL, KINESCORE_LOG_OFF));
    return failures != 0;
}
