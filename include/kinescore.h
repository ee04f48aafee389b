/*
 * Kinescore: a soundtrack for the movement in a video. The C interface of libkinescore.
 *
 * Generated from the sources in ffi/src by cbindgen: change those, then run
 * KINESCORE_WRITE_HEADER=1 cargo test -p kinescore-ffi --test header
 *
 * The life of a job
 *
 *     kinescore_engine_new        once per process: models, ONNX Runtime and SoundFont, shared by
 *                                 all jobs and threads
 *     kinescore_settings_new, kinescore_settings_set
 *     kinescore_job_new           makes the soundtrack of one clip
 *     kinescore_job_open_video    or kinescore_job_begin_frames, kinescore_job_push_frame …,
 *                                 kinescore_job_end_frames
 *     kinescore_job_set_cut       where the clip begins and ends on the media, and its speed
 *     kinescore_job_run           does the work
 *     kinescore_job_summary, kinescore_job_beats, kinescore_job_read_audio, kinescore_job_write, …
 *     kinescore_job_set_cut and kinescore_job_run again, whenever the clip is trimmed
 *     kinescore_job_free, kinescore_settings_free, kinescore_engine_free
 *
 * Rules
 *
 * - Handles are made and freed by the library; freeing NULL does nothing. An engine and settings
 *   may be freed while jobs that were made with them exist.
 * - Every pointer is checked for NULL. Output parameters are written only if the call succeeds.
 * - Strings are UTF-8, terminated by a NUL byte, and borrowed for the duration of the call.
 * - A struct that begins with struct_size may grow at its end: set struct_size to sizeof of the
 *   struct as your program was compiled with, and all other bytes to 0. Older and newer sizes are
 *   both accepted; fields that your program does not know have their defaults.
 * - Calls return a kinescore_status; kinescore_last_error returns the message, separately for
 *   each thread.
 * - An engine and settings may be used by several threads concurrently. A job may be used by any
 *   thread, but by one at a time: a concurrent call returns KINESCORE_BUSY. Exceptions are
 *   kinescore_job_cancel and, while a run renders the sound, kinescore_job_read_audio.
 * - kinescore_job_open_video, kinescore_job_push_frame (which waits for the poses to be found),
 *   kinescore_job_run and kinescore_job_write are slow, and can be cancelled.
 *   kinescore_engine_new reads a file.
 * - No call prints, exits, or uses the environment or the network. An error in the library itself
 *   is caught and returned as KINESCORE_PANIC; the affected job can then only be freed, and
 *   everything else continues to work.
 */

#ifndef KINESCORE_H
#define KINESCORE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Version of this interface. It is raised by incompatible changes; new functions, new status codes
 * and new fields at the end of structs do not raise it.
 */
#define KINESCORE_ABI_VERSION 0

/**
 * No messages.
 */
#define KINESCORE_LOG_OFF 0

/**
 * Errors.
 */
#define KINESCORE_LOG_ERROR 1

/**
 * Unexpected conditions, such as a damaged part of a video that was skipped.
 */
#define KINESCORE_LOG_WARN 2

/**
 * Results and decisions, such as the loudness that was reached.
 */
#define KINESCORE_LOG_INFO 3

/**
 * For developers.
 */
#define KINESCORE_LOG_DEBUG 4

/**
 * Every detail, for developers.
 */
#define KINESCORE_LOG_TRACE 5

/**
 * One of `words`.
 */
#define KINESCORE_KIND_CHOICE 1

/**
 * One or more of `words`, each at most once, separated by commas.
 */
#define KINESCORE_KIND_LIST 2

/**
 * Text; `allowed` describes its syntax.
 */
#define KINESCORE_KIND_TEXT 3

/**
 * A number from `least` to `most`.
 */
#define KINESCORE_KIND_NUMBER 4

/**
 * A whole number from `least_whole` to `most_whole`.
 */
#define KINESCORE_KIND_WHOLE 5

/**
 * Flicks in a second: a flick is 1/705 600 000 s, so that a frame of any common frame rate,
 * including 1000/1001 rates, and a sample of any common sample rate is a whole number of flicks.
 */
#define KINESCORE_FLICKS_PER_SECOND INT64_C(705600000)

/**
 * The start of the media, for kinescore_job_set_cut.
 */
#define KINESCORE_MEDIA_START INT64_MIN

/**
 * The end of the media, for kinescore_job_set_cut.
 */
#define KINESCORE_MEDIA_END INT64_MAX

/**
 * Finding poses in the video; takes most of the time.
 */
#define KINESCORE_STAGE_POSE 1

/**
 * Finding beats and accents.
 */
#define KINESCORE_STAGE_RHYTHM 2

/**
 * Composing the drums.
 */
#define KINESCORE_STAGE_DRUMS 3

/**
 * Composing the other instruments.
 */
#define KINESCORE_STAGE_MUSIC 4

/**
 * Arranging the score for the cut.
 */
#define KINESCORE_STAGE_SCORE 5

/**
 * Rendering the sound.
 */
#define KINESCORE_STAGE_AUDIO 6

/**
 * Red, green, blue.
 */
#define KINESCORE_LAYOUT_RGB 1

/**
 * Blue, green, red.
 */
#define KINESCORE_LAYOUT_BGR 2

/**
 * Red, green, blue, and a fourth channel that is ignored.
 */
#define KINESCORE_LAYOUT_RGBA 3

/**
 * Blue, green, red, and a fourth channel that is ignored.
 */
#define KINESCORE_LAYOUT_BGRA 4

/**
 * 8 bits per channel, full scale 255.
 */
#define KINESCORE_DEPTH_U8 1

/**
 * 16 bits per channel in native byte order, full scale 65535.
 */
#define KINESCORE_DEPTH_U16 2

/**
 * 32-bit floating point per channel, full scale 1.0; values below 0 or above 1 are clipped.
 */
#define KINESCORE_DEPTH_F32 3

/**
 * The beats were found by the trained network.
 */
#define KINESCORE_BEATS_NETWORK 1

/**
 * The beats were found by signal processing on the movement.
 */
#define KINESCORE_BEATS_MOTION 2

/**
 * The key's mode is major.
 */
#define KINESCORE_MODE_MAJOR 1

/**
 * The key's mode is natural minor.
 */
#define KINESCORE_MODE_MINOR 2

/**
 * The key's mode is harmonic minor.
 */
#define KINESCORE_MODE_HARMONIC_MINOR 3

/**
 * The key's mode is dorian.
 */
#define KINESCORE_MODE_DORIAN 4

/**
 * The key's mode is phrygian.
 */
#define KINESCORE_MODE_PHRYGIAN 5

/**
 * The key's mode is lydian.
 */
#define KINESCORE_MODE_LYDIAN 6

/**
 * The key's mode is mixolydian.
 */
#define KINESCORE_MODE_MIXOLYDIAN 7

/**
 * The accent is a change in the movement.
 */
#define KINESCORE_ACCENT_STYLE 1

/**
 * The accent is a sharp stop of the body: a stamp, a landing, a hit.
 */
#define KINESCORE_ACCENT_IMPACT 2

/**
 * The accent is made by a foot, or both.
 */
#define KINESCORE_PART_FEET 1

/**
 * The accent is made by a hand or an arm, or both.
 */
#define KINESCORE_PART_HANDS 2

/**
 * The accent is made by shoulders and hips.
 */
#define KINESCORE_PART_TRUNK 3

/**
 * The accent is made by the head.
 */
#define KINESCORE_PART_HEAD 4

/**
 * The accent is made by several parts of the body together, or it is not known by which.
 */
#define KINESCORE_PART_WHOLE 5

/**
 * The movement comes to rest.
 */
#define KINESCORE_IMPACT_STOP 1

/**
 * A foot comes down and stands.
 */
#define KINESCORE_IMPACT_LANDING 2

/**
 * The movement stops at once, as if the limb hit something.
 */
#define KINESCORE_IMPACT_STRIKE 3

/**
 * The movement goes back the way it came.
 */
#define KINESCORE_IMPACT_TURN 4

/**
 * Status of a call: 0, or a failure, whose message kinescore_last_error returns. The meaning of a
 * number never changes, and new ones may be added: treat unknown numbers as failures.
 */
enum kinescore_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    KINESCORE_OK = 0,
    /**
     * A pointer that must not be NULL is NULL.
     */
    KINESCORE_NULL_POINTER = 1,
    /**
     * An argument is out of range, is not UTF-8, or is a pointer that is not aligned for its type.
     */
    KINESCORE_BAD_ARGUMENT = 2,
    /**
     * A struct's struct_size is less than that of the first version of this struct.
     */
    KINESCORE_BAD_STRUCT_SIZE = 3,
    /**
     * The caller's array or text buffer is too small; nothing was written.
     */
    KINESCORE_BUFFER_TOO_SMALL = 4,
    /**
     * The job is not in a state for this call, such as reading results before a run.
     */
    KINESCORE_WRONG_STATE = 5,
    /**
     * Another thread is in a call on this job, or a callback has called a function that callbacks
     * must not call.
     */
    KINESCORE_BUSY = 6,
    /**
     * The call was stopped by kinescore_job_cancel or by the progress callback.
     */
    KINESCORE_CANCELLED = 7,
    /**
     * An error in the library itself. Please report it. The job, if any, can only be freed.
     */
    KINESCORE_PANIC = 8,
    /**
     * An earlier call on this job ended in KINESCORE_PANIC: it can only be freed.
     */
    KINESCORE_POISONED = 9,
    /**
     * A failure for which this version of the interface has no number.
     */
    KINESCORE_OTHER = 10,
    /**
     * The system could not provide a resource, such as a thread.
     */
    KINESCORE_SYSTEM = 11,
    /**
     * There is no setting of that name.
     */
    KINESCORE_UNKNOWN_SETTING = 20,
    /**
     * The setting does not allow that value.
     */
    KINESCORE_SETTING_VALUE = 21,
    /**
     * The file cannot be read as a video.
     */
    KINESCORE_NOT_A_VIDEO = 30,
    /**
     * The file is media without a picture.
     */
    KINESCORE_NO_VIDEO_STREAM = 31,
    /**
     * No frame could be decoded, or none was pushed.
     */
    KINESCORE_NO_FRAMES = 32,
    /**
     * The frames are too small or too large.
     */
    KINESCORE_FRAME_SIZE = 33,
    /**
     * The clip, or the requested part of it, is too short for music.
     */
    KINESCORE_CLIP_TOO_SHORT = 34,
    /**
     * The requested part does not lie within the clip.
     */
    KINESCORE_CUT_OUTSIDE = 35,
    /**
     * Decoding or encoding failed.
     */
    KINESCORE_MEDIA = 36,
    /**
     * A file cannot be read.
     */
    KINESCORE_INPUT = 37,
    /**
     * A pushed frame, or the announced properties of the frames, cannot be used.
     */
    KINESCORE_FRAME = 38,
    /**
     * Marks cannot be used.
     */
    KINESCORE_MARKS = 39,
    /**
     * No person was found in the clip.
     */
    KINESCORE_NO_PERSON = 50,
    /**
     * A person was found, but is not seen for long enough.
     */
    KINESCORE_PERSON_TOO_BRIEF = 51,
    /**
     * The requested person (pose.person) was not found.
     */
    KINESCORE_NO_SUCH_PERSON = 52,
    /**
     * The person hardly moves. Not returned if the setting "tempo" is set.
     */
    KINESCORE_NO_BEAT = 53,
    /**
     * A model's file is missing.
     */
    KINESCORE_MODEL_MISSING = 60,
    /**
     * A model's file is damaged or from another release.
     */
    KINESCORE_MODEL_INVALID = 61,
    /**
     * The manifest of the models (manifest.toml), or a table beside it, cannot be used.
     */
    KINESCORE_MANIFEST = 62,
    /**
     * ONNX Runtime was not found or cannot be loaded.
     */
    KINESCORE_RUNTIME_MISSING = 63,
    /**
     * The requested device cannot be used.
     */
    KINESCORE_DEVICE_UNAVAILABLE = 64,
    /**
     * ONNX Runtime refused a model or a run.
     */
    KINESCORE_INFERENCE = 65,
    /**
     * The SoundFont is missing.
     */
    KINESCORE_SOUNDFONT_MISSING = 66,
    /**
     * The SoundFont cannot be read.
     */
    KINESCORE_SOUNDFONT_INVALID = 67,
    /**
     * The SoundFont lacks a sound that is needed.
     */
    KINESCORE_PRESET_MISSING = 68,
    /**
     * Sound could not be rendered or measured.
     */
    KINESCORE_SOUND = 69,
    /**
     * Music, or a score made from it, is invalid.
     */
    KINESCORE_MUSIC = 70,
    /**
     * An output cannot be written.
     */
    KINESCORE_OUTPUT = 80,
    /**
     * The output would overwrite the input.
     */
    KINESCORE_OUTPUT_IS_INPUT = 81,
    /**
     * A video cannot be written for a cut at another speed, since its picture is copied unchanged.
     */
    KINESCORE_PICTURE_SPEED = 82,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum kinescore_status kinescore_status;
#else
typedef int32_t kinescore_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Loaded models and SoundFont, shared by all jobs and all threads.
 */
typedef struct kinescore_engine kinescore_engine;

/**
 * Makes the soundtrack of one clip.
 */
typedef struct kinescore_job kinescore_job;

/**
 * A set of values for all settings. May be used from several threads concurrently.
 */
typedef struct kinescore_settings kinescore_settings;

/**
 * Receives a log message: its level (KINESCORE_LOG_ERROR to KINESCORE_LOG_TRACE) and its text,
 * which is valid during the call. It may be called from any thread, including the library's own,
 * and concurrently. It must not throw or long-jump.
 */
typedef void (*kinescore_log_fn)(void *user, int32_t level, const char *message);

/**
 * Describes a setting for a host's user interface. All strings are in English, UTF-8, and stay
 * valid until the process ends.
 */
typedef struct {
    /**
     * sizeof(kinescore_setting), set by the caller.
     */
    uint32_t struct_size;
    /**
     * KINESCORE_KIND_…
     */
    uint32_t kind;
    /**
     * Its name, such as "drums.style".
     */
    const char *key;
    /**
     * Its purpose, in one sentence.
     */
    const char *help;
    /**
     * Its default value.
     */
    const char *default_value;
    /**
     * The accepted values, as text for people, such as "10 to 120".
     */
    const char *allowed;
    /**
     * The words of a choice or list, or words that are accepted in place of a number, such as
     * "all"; without "auto".
     */
    const char *const *words;
    /**
     * Number of `words`; may be 0.
     */
    uint32_t word_count;
    /**
     * 1 if "auto" is also accepted, otherwise 0.
     */
    uint32_t has_auto;
    /**
     * Minimum of a number; 0 for other kinds.
     */
    double least;
    /**
     * Maximum of a number; 0 for other kinds.
     */
    double most;
    /**
     * Minimum of a whole number; 0 for other kinds.
     */
    uint64_t least_whole;
    /**
     * Maximum of a whole number; 0 for other kinds.
     */
    uint64_t most_whole;
} kinescore_setting;

/**
 * Where the library finds its files. A field that is NULL, "" or 0 means its default; strings are
 * UTF-8.
 */
typedef struct {
    /**
     * sizeof(kinescore_resources), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Threads of each pose network, at least 1. Default: 1, which is as fast as more while
     * decoding runs in parallel. The notes do not depend on the number.
     */
    uint32_t threads;
    /**
     * Folder of the models, with manifest.toml. Default: models, ../share/kinescore/models or
     * ../../share/kinescore/models, relative to the folder of the library (linked statically: of
     * the program).
     */
    const char *models;
    /**
     * The ONNX Runtime library, or its folder. Default: searched for in this library's folder, its
     * subfolder kinescore, ../lib/kinescore, ../lib, and the system's library folders. A process
     * loads it only once: the first engine decides which.
     */
    const char *onnxruntime;
    /**
     * A SoundFont (.sf2, .sf3) to use instead of the bundled one.
     */
    const char *soundfont;
    /**
     * Folder of the cache: poses and compositions are kept there by the content of the media, so
     * that they are computed only once. NULL: nothing is kept. Several processes may share the
     * folder.
     */
    const char *cache;
    /**
     * Maximum size of the cache folder, bytes; 0: 2 GiB.
     */
    uint64_t cache_limit;
} kinescore_resources;

/**
 * Receives progress: the stage (KINESCORE_STAGE_…), the share of it that is done, and an
 * estimate of the share of the whole run that is done, each 0 to 1. Return 0 to cancel, any other
 * value to continue. It is called on the thread that called kinescore_job_run or on a thread of
 * the library, but never concurrently. It must return quickly, must not throw or long-jump, and
 * must not call any function on this job except kinescore_job_cancel (others return
 * KINESCORE_BUSY).
 */
typedef int32_t (*kinescore_progress_fn)(void *user,
                                         int32_t stage,
                                         double stage_done,
                                         double overall_done);

/**
 * Properties of pushed frames, announced before the first one.
 */
typedef struct {
    /**
     * sizeof(kinescore_frames_info), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Width of every frame, pixels, 16 to 16384.
     */
    uint32_t width;
    /**
     * Height of every frame, pixels, 16 to 16384.
     */
    uint32_t height;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
    /**
     * Pixel aspect ratio, width over height, 0.1 to 10; 0: square pixels.
     */
    double pixel_aspect;
    /**
     * Frames per second, for information only; 0: derived from the frames' times.
     */
    double frame_rate;
    /**
     * Length of the clip in seconds, 2 to 86400; the soundtrack is exactly as long. 0: the last
     * frame's time plus the mean length of a frame.
     */
    double duration;
    /**
     * Name of the clip in errors and in the analysis, UTF-8; NULL: "pushed frames".
     */
    const char *name;
} kinescore_frames_info;

/**
 * One upright frame, in display values (gamma-encoded, as 8-bit video is; not linear light).
 */
typedef struct {
    /**
     * sizeof(kinescore_frame), set by the caller.
     */
    uint32_t struct_size;
    /**
     * KINESCORE_LAYOUT_…
     */
    uint32_t layout;
    /**
     * KINESCORE_DEPTH_…
     */
    uint32_t depth;
    /**
     * Width in pixels, as announced.
     */
    uint32_t width;
    /**
     * Height in pixels, as announced.
     */
    uint32_t height;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
    /**
     * Presentation time, seconds from the clip's start, 0 or more; later than that of the previous
     * frame.
     */
    double time;
    /**
     * Bytes from the start of a row to the start of the row below it; negative if rows are stored
     * bottom-up.
     */
    int64_t stride;
    /**
     * The first pixel of the top row. Need not be aligned.
     */
    const void *pixels;
} kinescore_frame;

/**
 * Summary of a job's results. Counts refer to the part heard in the cut.
 */
typedef struct {
    /**
     * sizeof(kinescore_summary), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Number of people followed in the media.
     */
    uint32_t people;
    /**
     * Length of the soundtrack, seconds.
     */
    double duration;
    /**
     * Beats per minute, as heard.
     */
    double tempo;
    /**
     * Confidence in beats and tempo, 0 to 1.
     */
    double confidence;
    /**
     * Beats in a bar, 3 or 4.
     */
    uint32_t beats_per_bar;
    /**
     * KINESCORE_BEATS_…
     */
    uint32_t beats_source;
    /**
     * Number of beats.
     */
    uint64_t beats;
    /**
     * Number of accents.
     */
    uint64_t accents;
    /**
     * Number of notes in the score, including drum hits.
     */
    uint64_t notes;
    /**
     * Tonic of the key, in semitones above C, 0 to 11; −1 if only drums are heard.
     */
    int32_t key_tonic;
    /**
     * KINESCORE_MODE_…, or 0 if only drums are heard.
     */
    int32_t key_mode;
    /**
     * Integrated loudness of the soundtrack, LUFS (ITU-R BS.1770).
     */
    double loudness;
    /**
     * True peak of the soundtrack, dBTP (ITU-R BS.1770).
     */
    double true_peak;
    /**
     * Style of the drums, terminated by a NUL byte.
     */
    char style[32];
} kinescore_summary;

/**
 * A beat. The layout of this struct never changes.
 */
typedef struct {
    /**
     * Its time, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * Position in the bar, from 1; 1 is the downbeat.
     */
    uint32_t number;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
} kinescore_beat;

/**
 * A peak of the movement, which the music answers. The layout of this struct never changes.
 */
typedef struct {
    /**
     * Its time, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * Strength relative to the clip's other accents, above 0, at most 1.
     */
    float strength;
    /**
     * KINESCORE_ACCENT_…
     */
    uint32_t kind;
} kinescore_accent;

/**
 * An accent with the part of the body that makes it. The layout of this struct never changes.
 */
typedef struct {
    /**
     * Its time, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * Strength relative to the clip's other accents, above 0, at most 1.
     */
    float strength;
    /**
     * KINESCORE_ACCENT_…
     */
    uint32_t kind;
    /**
     * KINESCORE_PART_…
     */
    uint32_t part;
    /**
     * KINESCORE_IMPACT_…, how the movement ends; 0 if the accent is not an impact.
     */
    uint32_t impact;
} kinescore_body_accent;

/**
 * A stretch of time in which the body holds still. The layout of this struct never changes.
 */
typedef struct {
    /**
     * When the body comes to rest, seconds from the start of the soundtrack.
     */
    double from;
    /**
     * The end of the hold: when the body moves again, seconds from the start of the soundtrack.
     */
    double to;
} kinescore_hold;

/**
 * The format of the sound.
 */
typedef struct {
    /**
     * sizeof(kinescore_audio_format), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Sample rate, Hz: 44100, 48000 or 96000, from the setting sound.rate.
     */
    uint32_t rate;
    /**
     * Channels: 2.
     */
    uint32_t channels;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
    /**
     * Length in sample frames.
     */
    uint64_t frames;
} kinescore_audio_format;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the library's interface, to be compared with `KINESCORE_ABI_VERSION` of
 * the header: if they differ, call no other function.
 */
uint32_t kinescore_abi_version(void);

/**
 * Returns the library's version, such as "0.1.0". Stays valid until the process ends.
 */
const char *kinescore_version(void);

/**
 * Returns the name of a status, such as "KINESCORE_NO_BEAT", or "KINESCORE_UNKNOWN" for an unknown
 * number. Stays valid until the process ends.
 */
const char *kinescore_status_name(int32_t status);

/**
 * Returns the message of the last call that failed on this thread, in English, UTF-8; "" if none
 * has. It stays valid until another call on this thread fails. It names the file, the value found
 * and the value expected, and can be shown to users.
 */
const char *kinescore_last_error(void);

/**
 * Passes the library's log messages up to `level` to `log`, which replaces an earlier function;
 * NULL stops them. The function is process-wide. When this returns, no call of the earlier
 * function is in progress or will follow, so that whatever its `user` points to can be freed.
 * Without a function, the library is silent: it never writes to standard output or standard error.
 * FFmpeg has its own process-wide log, which belongs to the host: control it with av_log_set_level
 * and av_log_set_callback.
 *
 * KINESCORE_BAD_ARGUMENT if `level` is not a log level; KINESCORE_BUSY from within a log function;
 * KINESCORE_OTHER if other Rust code in this process has installed a logger.
 */
kinescore_status kinescore_set_log(kinescore_log_fn log, void *user, int32_t level);

/**
 * Returns the number of settings.
 */
size_t kinescore_setting_count(void);

/**
 * Describes setting number `index`, from 0, in an order suitable for a user interface.
 *
 * KINESCORE_BAD_ARGUMENT if there is no setting with this number.
 */
kinescore_status kinescore_setting_at(size_t index, kinescore_setting *setting);

/**
 * Makes settings with all values at their defaults. Free them with kinescore_settings_free.
 */
kinescore_status kinescore_settings_new(kinescore_settings **settings);

/**
 * Sets a value, given as text: "120", "funk", "auto". Existing jobs keep their values.
 *
 * KINESCORE_UNKNOWN_SETTING, KINESCORE_SETTING_VALUE: nothing is changed.
 */
kinescore_status kinescore_settings_set(kinescore_settings *settings,
                                        const char *key,
                                        const char *value);

/**
 * Copies a value as text into `buffer`, and its size in bytes, including the NUL byte, into
 * `size`. If `buffer` is NULL and `capacity` 0, only the size is returned.
 *
 * KINESCORE_UNKNOWN_SETTING, KINESCORE_BUFFER_TOO_SMALL.
 */
kinescore_status kinescore_settings_get(const kinescore_settings *settings,
                                        const char *key,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *size);

/**
 * Frees settings. NULL is allowed. Jobs made with them keep their values.
 */
void kinescore_settings_free(kinescore_settings *settings);

/**
 * Makes an engine; `resources` NULL means all defaults. Reads the manifest of the models; the
 * models themselves, ONNX Runtime and the SoundFont are loaded when a job first needs them, and
 * stay loaded. One engine is enough for a process.
 *
 * KINESCORE_MODEL_MISSING or KINESCORE_MANIFEST if the manifest of the models is missing or cannot
 * be used.
 */
kinescore_status kinescore_engine_new(const kinescore_resources *resources,
                                      kinescore_engine **engine);

/**
 * Copies the key of the soundtrack without marks for a media file, these settings and this cut (as
 * in kinescore_job_set_cut) into `buffer`, and its size in bytes, including the NUL byte, into
 * `size`. The key is a hash of the media's content, cut, settings and models, as text: a
 * soundtrack that has the same key is up to date. `settings` NULL means the defaults. If `buffer`
 * is NULL and `capacity` 0, only the size is returned. The media is read, but not decoded, and not
 * read again until the file changes.
 *
 * KINESCORE_INPUT if the media cannot be read; KINESCORE_BAD_ARGUMENT if the speed is out of
 * range; KINESCORE_SETTING_VALUE if settings contradict each other; KINESCORE_BUFFER_TOO_SMALL.
 */
kinescore_status kinescore_engine_key(const kinescore_engine *engine,
                                      const kinescore_settings *settings,
                                      const char *media,
                                      int64_t start,
                                      int64_t end,
                                      uint32_t speed_numerator,
                                      uint32_t speed_denominator,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *size);

/**
 * Frees an engine. NULL is fine. Jobs that were made with it can still be used; the models are
 * freed with the last of them.
 */
void kinescore_engine_free(kinescore_engine *engine);

/**
 * Makes a job with the current values of `settings`; NULL means the defaults. `engine` and
 * `settings` may be freed before the job.
 *
 * KINESCORE_SETTING_VALUE if settings contradict each other.
 */
kinescore_status kinescore_job_new(const kinescore_engine *engine,
                                   const kinescore_settings *settings,
                                   kinescore_job **job);

/**
 * Opens a video file and decodes its first frame.
 *
 * KINESCORE_INPUT, KINESCORE_NOT_A_VIDEO, KINESCORE_NO_VIDEO_STREAM, KINESCORE_NO_FRAMES,
 * KINESCORE_FRAME_SIZE, KINESCORE_CLIP_TOO_SHORT, KINESCORE_CUT_OUTSIDE, KINESCORE_MEDIA,
 * KINESCORE_CANCELLED: the job is then as new. KINESCORE_WRONG_STATE if it already has a video or
 * frames.
 *
 * A file that does not announce its length is read through, up to 64 MiB; kinescore_job_cancel
 * stops that.
 */
kinescore_status kinescore_job_open_video(kinescore_job *job, const char *path);

/**
 * Sets which part of the media is heard and how fast, like a clip on a timeline: from `start` to
 * `end` in flicks (KINESCORE_FLICKS_PER_SECOND) from the media's first frame, or
 * KINESCORE_MEDIA_START and KINESCORE_MEDIA_END; at `speed_numerator / speed_denominator` times
 * the media's speed, 1/4 to 4. The soundtrack is exactly `(end - start) / speed` long, to the
 * sample. Without this call, the whole media is heard at its own speed.
 *
 * It may be called before or after a run. Results for the media are kept, so that the next
 * kinescore_job_run takes a fraction of the time of the first; every bar that both cuts share
 * keeps its notes, except for the ending.
 *
 * KINESCORE_BAD_ARGUMENT if the speed is out of range; KINESCORE_CUT_OUTSIDE,
 * KINESCORE_CLIP_TOO_SHORT: the previous cut is then kept. If the length of the media is not known
 * yet, kinescore_job_run returns these.
 */
kinescore_status kinescore_job_set_cut(kinescore_job *job,
                                       int64_t start,
                                       int64_t end,
                                       uint32_t speed_numerator,
                                       uint32_t speed_denominator);

/**
 * Sets what a person has corrected in the clip: fixed beats, hits, silences, a tempo factor, and
 * accents that are removed or moved, as the JSON text of a file of marks (docs/formats.md). Times
 * are seconds from the media's first frame, whatever the cut. NULL or "" removes all marks.
 *
 * It may be called before or after a run. The next kinescore_job_run finds again what depends on
 * the change; a change of hits and silences keeps the composition.
 *
 * KINESCORE_MARKS: the previous marks are then kept. kinescore_job_run also returns this, for a
 * beat whose number the setting beats.per_bar excludes.
 */
kinescore_status kinescore_job_set_marks(kinescore_job *job, const char *marks);

/**
 * Copies the key of the job's soundtrack, like kinescore_engine_key, for the media as it was
 * opened, even if the file has been replaced since. It can be called as soon as the video has been
 * opened, even before a run.
 *
 * KINESCORE_WRONG_STATE if no video has been opened; KINESCORE_FRAME for pushed frames, which have
 * no key; KINESCORE_INPUT, also for a file that was changed while it was read;
 * KINESCORE_BUFFER_TOO_SMALL.
 */
kinescore_status kinescore_job_key(const kinescore_job *job,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *size);

/**
 * Makes the soundtrack; after a change of the cut, only what depends on the cut. It takes long: do
 * not call it on the host's main thread. It returns immediately if there is nothing to do.
 *
 * KINESCORE_NO_PERSON, KINESCORE_PERSON_TOO_BRIEF, KINESCORE_NO_SUCH_PERSON and KINESCORE_NO_BEAT
 * are findings about the clip. After KINESCORE_CANCELLED or another failure, it can be called
 * again; finished stages are kept. If finding the poses in pushed frames failed, the job is as
 * new.
 */
kinescore_status kinescore_job_run(kinescore_job *job, kinescore_progress_fn progress, void *user);

/**
 * Cancels the call on this job that is in progress: opening, pushing, running or writing returns
 * KINESCORE_CANCELLED well within half a second, unless it finishes first. If no call is in
 * progress, the next one is cancelled. May be called from any thread at any time, including from
 * callbacks, as long as the job is not freed.
 */
kinescore_status kinescore_job_cancel(const kinescore_job *job);

/**
 * Frees a job. NULL is allowed. The job must not be in use by another thread: cancel it first, and
 * wait for its call to return.
 */
void kinescore_job_free(kinescore_job *job);

/**
 * Begins a clip whose frames are pushed by the host, instead of kinescore_job_open_video. Poses
 * are found in a thread of the library while frames are pushed.
 *
 * KINESCORE_WRONG_STATE if the job already has a video or frames; KINESCORE_FRAME_SIZE,
 * KINESCORE_CLIP_TOO_SHORT or KINESCORE_FRAME for values out of range.
 */
kinescore_status kinescore_job_begin_frames(kinescore_job *job, const kinescore_frames_info *info);

/**
 * Pushes the next frame. The pixels are copied before this returns. It blocks while a few frames
 * are queued, so that a clip is never held in memory. Frames beyond the setting pose.rate are
 * accepted and cost next to nothing.
 *
 * KINESCORE_FRAME for a frame that cannot be used; the message has its number, the value found and
 * the value expected. The clip continues as if the frame had not been pushed. Any other failure,
 * including KINESCORE_CANCELLED, ends the clip: the job is as new, and frames can be begun again.
 */
kinescore_status kinescore_job_push_frame(kinescore_job *job, const kinescore_frame *frame);

/**
 * Ends the pushed frames; kinescore_job_run then makes the soundtrack.
 *
 * KINESCORE_NO_FRAMES, KINESCORE_CLIP_TOO_SHORT: the job is then as new, as it is if finding the
 * poses fails.
 */
kinescore_status kinescore_job_end_frames(kinescore_job *job);

/**
 * Returns a summary of the results of a run.
 *
 * KINESCORE_WRONG_STATE until kinescore_job_run has succeeded, and after a change of the cut until
 * it has succeeded again. The same applies to the functions below.
 */
kinescore_status kinescore_job_summary(const kinescore_job *job, kinescore_summary *summary);

/**
 * Copies the beats, in ascending order, into the caller's array and their number into `count`. If
 * `beats` is NULL and `capacity` 0, only the number is returned.
 *
 * KINESCORE_BUFFER_TOO_SMALL: nothing is written.
 */
kinescore_status kinescore_job_beats(const kinescore_job *job,
                                     kinescore_beat *beats,
                                     size_t capacity,
                                     size_t *count);

/**
 * Copies the accents, in ascending order, like kinescore_job_beats.
 */
kinescore_status kinescore_job_accents(const kinescore_job *job,
                                       kinescore_accent *accents,
                                       size_t capacity,
                                       size_t *count);

/**
 * Copies the accents, in ascending order, with the part of the body that makes each, like
 * kinescore_job_beats. They are the accents of kinescore_job_accents, as many and in the same
 * order.
 */
kinescore_status kinescore_job_body_accents(const kinescore_job *job,
                                            kinescore_body_accent *accents,
                                            size_t capacity,
                                            size_t *count);

/**
 * Copies the stretches in which the body holds still, in ascending order, like
 * kinescore_job_beats; there may be none.
 */
kinescore_status kinescore_job_holds(const kinescore_job *job,
                                     kinescore_hold *holds,
                                     size_t capacity,
                                     size_t *count);

/**
 * Copies the key's name, such as "A minor", into `buffer`, and its size in bytes, including the
 * NUL byte, into `size`; the name is "" if only drums are heard. If `buffer` is NULL and
 * `capacity` 0, only the size is returned.
 *
 * KINESCORE_BUFFER_TOO_SMALL: nothing is written.
 */
kinescore_status kinescore_job_music_key(const kinescore_job *job,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *size);

/**
 * Returns the format of the sound.
 */
kinescore_status kinescore_job_audio_format(const kinescore_job *job,
                                            kinescore_audio_format *format);

/**
 * Copies sound into `samples`: `frames` sample frames starting at `first_frame`, interleaved, full
 * scale ±1; `frames × channels` numbers. `read` receives the number of frames copied: fewer at
 * the end of the sound, 0 beyond it.
 *
 * It may be called from another thread while kinescore_job_run renders the sound. It then waits
 * for the first requested frame and returns the frames that are finished, perhaps fewer than
 * requested; they are those of the finished sound. The first frames are available once the
 * loudness of the whole is known. Before the run has reached the sound, it returns KINESCORE_BUSY;
 * 0 frames before the end of the sound mean that the run has failed, and KINESCORE_CANCELLED that
 * it was cancelled.
 */
kinescore_status kinescore_job_read_audio(const kinescore_job *job,
                                          uint64_t first_frame,
                                          size_t frames,
                                          float *samples,
                                          size_t *read);

/**
 * Writes a file, first under a temporary name, so that a half-written file never appears under
 * `path`. `format` is one of
 * - "wav": the sound, 24 bits; "stems": one such file per part, in the folder `path`, which is
 *   created;
 * - "mid": the notes as a standard MIDI file;
 * - "json": the analysis;
 * - "svg", "png": a picture of the analysis;
 * - "mp4", "mov", "mkv", "webm", or "video" for the one that `path` ends in: the video's picture,
 *   copied, with the soundtrack (and the video's own sound according to the setting "original").
 *
 * For "svg", "png" and video formats, `path` must end in the format.
 *
 * KINESCORE_BAD_ARGUMENT for any other format; KINESCORE_OUTPUT, KINESCORE_OUTPUT_IS_INPUT,
 * KINESCORE_MEDIA; for a video KINESCORE_FRAME after pushed frames, and KINESCORE_PICTURE_SPEED
 * for a cut at another speed.
 */
kinescore_status kinescore_job_write(kinescore_job *job, const char *format, const char *path);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KINESCORE_H */
