/*
 * Renders a clip to a WAV file and a MIDI file:
 *
 *     cc render.c -o render $(pkg-config --cflags --libs kinescore)
 *     ./render dance.mp4 dance.wav dance.mid
 *
 * Two more arguments name the folders of the models and of ONNX Runtime where the library is not
 * installed.
 */
#include <kinescore.h>
#include <stdio.h>

static int32_t show(void *user, int32_t stage, double stage_done, double overall_done) {
    (void)user, (void)stage, (void)stage_done;
    fprintf(stderr, "\r%3.0f %%", 100 * overall_done);
    return 1; /* 0 would cancel */
}

static int failed(kinescore_status status) {
    if (status != KINESCORE_OK)
        fprintf(stderr, "\n%s: %s\n", kinescore_status_name(status), kinescore_last_error());
    return status != KINESCORE_OK;
}

int main(int argc, char **argv) {
    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: %s CLIP WAV MIDI [MODELS ONNXRUNTIME]\n", argv[0]);
        return 2;
    }
    kinescore_resources resources = {.struct_size = sizeof resources};
    if (argc == 6) resources.models = argv[4], resources.onnxruntime = argv[5];
    kinescore_summary summary = {.struct_size = sizeof summary};
    kinescore_engine *engine = NULL;
    kinescore_job *job = NULL;
    int bad = kinescore_abi_version() != KINESCORE_ABI_VERSION || failed(kinescore_engine_new(&resources, &engine)) ||
              failed(kinescore_job_new(engine, NULL, &job)) || failed(kinescore_job_open_video(job, argv[1])) ||
              failed(kinescore_job_run(job, show, NULL)) || failed(kinescore_job_summary(job, &summary)) ||
              failed(kinescore_job_write(job, "wav", argv[2])) || failed(kinescore_job_write(job, "mid", argv[3]));
    if (!bad)
        printf("\n%.1f s, %.0f beats a minute, %s, %d notes\n", summary.duration, summary.tempo, summary.style,
               (int)summary.notes);
    kinescore_job_free(job);
    kinescore_engine_free(engine);
    return bad;
}
