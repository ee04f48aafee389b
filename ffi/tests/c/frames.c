/*
 * Pushes frames: frames MODELS ONNXRUNTIME WIDTH HEIGHT RATE FORM OUTPUT.json < raw frames (BGRA, 8
 * bits)
 *
 * FORM is bgra, to push them unchanged, or deep: as 16-bit RGB with the rows from the bottom up.
 */
#include "expect.h"

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    kinescore_resources resources = {.struct_size = sizeof resources, .models = argv[1], .onnxruntime = argv[2]};
    uint32_t width = (uint32_t)atoi(argv[3]), height = (uint32_t)atoi(argv[4]);
    double rate = atof(argv[5]);
    int deep = strcmp(argv[6], "deep") == 0;
    kinescore_engine *engine = NULL;
    kinescore_settings *settings = NULL;
    kinescore_job *job = NULL;
    MUST(kinescore_engine_new(&resources, &engine));
    MUST(kinescore_settings_new(&settings));
    MUST(kinescore_settings_set(settings, "pose.rate", "10"));
    MUST(kinescore_settings_set(settings, "beats.source", "motion"));
    MUST(kinescore_settings_set(settings, "music.instruments", "drums"));
    MUST(kinescore_job_new(engine, settings, &job));
    kinescore_frames_info info = {.struct_size = sizeof info, .width = width, .height = height, .name = "pushed"};
    MUST(kinescore_job_begin_frames(job, &info));

    size_t row = width * 4u, deep_row = width * 6u + 2;
    unsigned char *pixels = malloc(row * height);
    unsigned short *turned = malloc(deep_row * height);
    kinescore_frame frame = {.struct_size = sizeof frame,
                             .layout = deep ? KINESCORE_LAYOUT_RGB : KINESCORE_LAYOUT_BGRA,
                             .depth = deep ? KINESCORE_DEPTH_U16 : KINESCORE_DEPTH_U8,
                             .width = width,
                             .height = height,
                             .stride = deep ? -(int64_t)deep_row : (int64_t)row,
                             .pixels = deep ? (void *)(turned + deep_row / 2 * (height - 1)) : (void *)pixels};
    int count = 0;
    while (fread(pixels, row, height, stdin) == height) {
        for (size_t y = 0; y < height && deep; y++)
            for (size_t x = 0; x < width; x++)
                for (size_t c = 0; c < 3; c++)
                    turned[deep_row / 2 * (height - 1 - y) + 3 * x + c] = pixels[row * y + 4 * x + 2 - c] * 257u;
        frame.time = count++ / rate;
        MUST(kinescore_job_push_frame(job, &frame));
        if (count == 5) {
            GIVES(KINESCORE_FRAME, kinescore_job_push_frame(job, &frame)); /* the same time again */
            SAYS("frame 6");
        }
    }
    free(pixels);
    free(turned);
    MUST(kinescore_job_end_frames(job));
    GIVES(KINESCORE_WRONG_STATE, kinescore_job_push_frame(job, &frame));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_write(job, "json", argv[7]));
    GIVES(KINESCORE_FRAME, kinescore_job_write(job, "mp4", "/tmp/never.mp4"));
    SAYS("the frames were pushed");
    char key[128];
    size_t size;
    GIVES(KINESCORE_FRAME, kinescore_job_key(job, key, sizeof key, &size));
    kinescore_job_free(job);
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);
    printf("%d\n", count);
    return failures != 0;
}
