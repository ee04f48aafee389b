/*
 * The functions of libkinescore's C interface that plugins look up but do not call: in the fake
 * core, they end the process.
 */
#pragma GCC visibility push(default)
#include "../../../include/kinescore.h"
#pragma GCC visibility pop

#include <cstdio>
#include <cstdlib>

namespace {

[[noreturn]] void refuse(const char *function) {
    std::fprintf(stderr, "%s is not part of the fake core\n", function);
    std::abort();
}

} // namespace

// Called for each failure.
const char *kinescore_status_name(int32_t) { return "KINESCORE_FAKE"; }

const char *kinescore_version(void) { refuse(__func__); }
kinescore_status kinescore_set_log(kinescore_log_fn, void *, int32_t) { refuse(__func__); }
size_t kinescore_setting_count(void) { refuse(__func__); }
kinescore_status kinescore_setting_at(size_t, kinescore_setting *) { refuse(__func__); }
kinescore_status kinescore_settings_get(const kinescore_settings *, const char *, char *, size_t, size_t *) {
    refuse(__func__);
}
kinescore_status kinescore_job_key(const kinescore_job *, char *, size_t, size_t *) { refuse(__func__); }
kinescore_status kinescore_job_cancel(const kinescore_job *) { refuse(__func__); }
kinescore_status kinescore_job_summary(const kinescore_job *, kinescore_summary *) { refuse(__func__); }
kinescore_status kinescore_job_beats(const kinescore_job *, kinescore_beat *, size_t, size_t *) { refuse(__func__); }
kinescore_status kinescore_job_accents(const kinescore_job *, kinescore_accent *, size_t, size_t *) {
    refuse(__func__);
}
kinescore_status kinescore_job_body_accents(const kinescore_job *, kinescore_body_accent *, size_t, size_t *) {
    refuse(__func__);
}
kinescore_status kinescore_job_holds(const kinescore_job *, kinescore_hold *, size_t, size_t *) { refuse(__func__); }
kinescore_status kinescore_job_set_marks(kinescore_job *, const char *) { refuse(__func__); }
kinescore_status kinescore_job_music_key(const kinescore_job *, char *, size_t, size_t *) { refuse(__func__); }
kinescore_status kinescore_job_audio_format(const kinescore_job *, kinescore_audio_format *) { refuse(__func__); }
kinescore_status kinescore_job_read_audio(const kinescore_job *, uint64_t, size_t, float *, size_t *) {
    refuse(__func__);
}
