/*
 * Kinescore: a soundtrack for the movement in a video. The C interface of libkinescore.
 *
 * Made from the sources in ffi/src by cbindgen: change those, then
 * KINESCORE_WRITE_HEADER=1 cargo test -p kinescore-ffi --test header
 *
 * The life of a job
 *
 *     kinescore_engine_new      once a process: models, ONNX Runtime and SoundFont, shared by all jobs and threads
 *     kinescore_settings_new, kinescore_settings_set
 *     kinescore_job_new         one clip on its way to one soundtrack
 *     kinescore_job_open_video, or kinescore_job_begin_frames, kinescore_job_push_frame …, kinescore_job_end_frames
 *     kinescore_job_set_cut     where the clip begins and ends on the media, and how fast it is played
 *     kinescore_job_run         the work
 *     kinescore_job_summary, kinescore_job_beats, kinescore_job_read_audio, kinescore_job_write, …
 *     kinescore_job_set_cut and kinescore_job_run again, as often as the clip is trimmed
 *     kinescore_job_free, kinescore_settings_free, kinescore_engine_free
 *
 * The rules
 *
 * - Handles are made and freed by the library; freeing NULL does nothing. An engine and settings may be freed while jobs
 *   that were made with them live.
 * - Every pointer is checked for NULL. What is written through pointers is written only when a call succeeds.
 * - Strings are UTF-8 with a NUL byte at their end, borrowed for the call.
 * - A struct that begins with struct_size may grow at its end: set struct_size to sizeof of the struct as your program was
 *   compiled with, and the rest to 0. Older and newer sizes are both accepted; fields that you do not know of have their
 *   defaults.
 * - A call gives a kinescore_status; kinescore_last_error has the sentence, for each thread its own.
 * - An engine and settings may be used by several threads at once. A job is for one thread at a time, whichever it is: a
 *   second one gets KINESCORE_BUSY. kinescore_job_cancel is for all threads, and so is kinescore_job_read_audio while a run makes the sound.
 * - Slow are kinescore_job_open_video, kinescore_job_push_frame (it waits for the search for poses), kinescore_job_run and
 *   kinescore_job_write; these are the calls that can be cancelled. kinescore_engine_new reads a file.
 * - No call prints, exits, reads the environment or the network. A fault of the library is caught and returned as
 *   KINESCORE_PANIC; the job that met it can then only be freed, and everything else goes on.
 */

#ifndef KINESCORE_H
#define KINESCORE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Version of this interface. It rises when something that programs rely on changes; new functions, new status codes
 * and new fields at the end of structs do not raise it.
 */
#define KINESCORE_ABI_VERSION 0

/**
 * No messages.
 */
#define KINESCORE_LOG_OFF 0

/**
 * What went wrong.
 */
#define KINESCORE_LOG_ERROR 1

/**
 * What may surprise, as a damaged part of a video that was left out.
 */
#define KINESCORE_LOG_WARN 2

/**
 * What was decided, as the loudness that was reached.
 */
#define KINESCORE_LOG_INFO 3

/**
 * For developers.
 */
#define KINESCORE_LOG_DEBUG 4

/**
 * For developers who want to know all of it.
 */
#define KINESCORE_LOG_TRACE 5

/**
 * One of `words`.
 */
#define KINESCORE_KIND_CHOICE 1

/**
 * Some of `words`, at least one, each at most once, with commas between.
 */
#define KINESCORE_KIND_LIST 2

/**
 * Text; `allowed` describes its form.
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
 * Units of time in a second: a flick is 1/705 600 000 s, so that the frames of all usual rates, drop-frame ones included,
 * and the samples of all usual audio rates are whole numbers of them.
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
 * Looking for poses in the video: most of the time.
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
 * Making sound of it.
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
 * Red, green, blue, and one more that is not looked at.
 */
#define KINESCORE_LAYOUT_RGBA 3

/**
 * Blue, green, red, and one more that is not looked at.
 */
#define KINESCORE_LAYOUT_BGRA 4

/**
 * 8 bits a channel, full scale 255.
 */
#define KINESCORE_DEPTH_U8 1

/**
 * 16 bits a channel in the machine's byte order, full scale 65535.
 */
#define KINESCORE_DEPTH_U16 2

/**
 * 32-bit floating point a channel, full scale 1.0; what is below 0 or above 1 is clipped.
 */
#define KINESCORE_DEPTH_F32 3

/**
 * The beats were found by the learned network.
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
 * The accent is a change of the movement.
 */
#define KINESCORE_ACCENT_STYLE 1

/**
 * The accent is a body that is stopped sharply: a stamp, a landing, a hit.
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
 * The movement is stopped at once, as by something that it hits.
 */
#define KINESCORE_IMPACT_STRIKE 3

/**
 * The movement goes back the way it came.
 */
#define KINESCORE_IMPACT_TURN 4

/**
 * How a call ended: 0, or what was wrong; kinescore_last_error has the sentence. A number never gets another meaning, and
 * new ones may come: treat those that you do not know as failures.
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
     * An argument has a value that is not allowed, is no UTF-8, or is a pointer that is not aligned for its type.
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
     * The call does not fit what the job has done so far, as results before a run.
     */
    KINESCORE_WRONG_STATE = 5,
    /**
     * Another thread is in a call on this job; or a callback has called what callbacks must not.
     */
    KINESCORE_BUSY = 6,
    /**
     * The call was stopped by kinescore_job_cancel or by the progress callback.
     */
    KINESCORE_CANCELLED = 7,
    /**
     * A fault of the library. Please report it. The job, if there is one, cannot be used any more.
     */
    KINESCORE_PANIC = 8,
    /**
     * An earlier call on this job ended in KINESCORE_PANIC: it can only be freed.
     */
    KINESCORE_POISONED = 9,
    /**
     * A failure that this version of the interface has no number for.
     */
    KINESCORE_OTHER = 10,
    /**
     * There is no setting of that name.
     */
    KINESCORE_UNKNOWN_SETTING = 20,
    /**
     * The setting does not allow that value.
     */
    KINESCORE_SETTING_VALUE = 21,
    /**
     * The file is not a video that can be read.
     */
    KINESCORE_NOT_A_VIDEO = 30,
    /**
     * The file is media without a picture.
     */
    KINESCORE_NO_VIDEO_STREAM = 31,
    /**
     * Not one frame could be decoded, or none was pushed.
     */
    KINESCORE_NO_FRAMES = 32,
    /**
     * The frames are smaller or larger than can be worked with.
     */
    KINESCORE_FRAME_SIZE = 33,
    /**
     * The clip, or the part asked for, is too short for music.
     */
    KINESCORE_CLIP_TOO_SHORT = 34,
    /**
     * The part asked for does not lie within the clip.
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
     * A pushed frame, or what was announced of the frames, cannot be used.
     */
    KINESCORE_FRAME = 38,
    /**
     * There is nobody in the clip.
     */
    KINESCORE_NO_PERSON = 50,
    /**
     * A person is there, but not for long enough.
     */
    KINESCORE_PERSON_TOO_BRIEF = 51,
    /**
     * The person asked for (pose.person) is not there.
     */
    KINESCORE_NO_SUCH_PERSON = 52,
    /**
     * The person hardly moves. The setting "tempo" overcomes it.
     */
    KINESCORE_NO_BEAT = 53,
    /**
     * A model's file is not there.
     */
    KINESCORE_MODEL_MISSING = 60,
    /**
     * A model's file is damaged or of another release.
     */
    KINESCORE_MODEL_INVALID = 61,
    /**
     * The list of the models (manifest.toml) or a table beside it cannot be used.
     */
    KINESCORE_MANIFEST = 62,
    /**
     * ONNX Runtime was not found or cannot be loaded.
     */
    KINESCORE_RUNTIME_MISSING = 63,
    /**
     * The device asked for cannot be used.
     */
    KINESCORE_DEVICE_UNAVAILABLE = 64,
    /**
     * ONNX Runtime refused a model or a run.
     */
    KINESCORE_INFERENCE = 65,
    /**
     * The SoundFont is not there.
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
     * Sound could not be measured or made.
     */
    KINESCORE_SOUND = 69,
    /**
     * An output cannot be written.
     */
    KINESCORE_OUTPUT = 80,
    /**
     * The output would overwrite the input.
     */
    KINESCORE_OUTPUT_IS_INPUT = 81,
    /**
     * A video cannot be written for a cut at another speed: its picture is copied as it is.
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
 * One clip on its way to one soundtrack.
 */
typedef struct kinescore_job kinescore_job;

/**
 * A set of values for all settings. May be used from several threads.
 */
typedef struct kinescore_settings kinescore_settings;

/**
 * Takes a message of the log: its level (KINESCORE_LOG_ERROR to KINESCORE_LOG_TRACE) and its text, valid during the call.
 * It may be called from any thread, several at once, and from the library's own threads. It must not throw or long-jump.
 */
typedef void (*kinescore_log_fn)(void *user, int32_t level, const char *message);

/**
 * What a host's interface needs to know of a setting. All texts are English UTF-8 and valid for ever.
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
     * Its name, as "drums.style".
     */
    const char *key;
    /**
     * One sentence that says what it is for.
     */
    const char *help;
    /**
     * Its value in new settings.
     */
    const char *default_value;
    /**
     * The values allowed, in words.
     */
    const char *allowed;
    /**
     * The words of a choice or list, without "auto".
     */
    const char *const *words;
    /**
     * How many `words` there are; 0 for other kinds.
     */
    uint32_t word_count;
    /**
     * 1 where "auto" is a value as well, else 0.
     */
    uint32_t has_auto;
    /**
     * Least value of a number; 0 for other kinds.
     */
    double least;
    /**
     * Greatest value of a number; 0 for other kinds.
     */
    double most;
    /**
     * Least value of a whole number; 0 for other kinds.
     */
    uint64_t least_whole;
    /**
     * Greatest value of a whole number; 0 for other kinds.
     */
    uint64_t most_whole;
} kinescore_setting;

/**
 * Where the library finds what it loads. A field that is NULL, "" or 0 stands for its default; the texts are UTF-8.
 */
typedef struct {
    /**
     * sizeof(kinescore_resources), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Threads of each pose network, at least 1; by default 1, which is as fast where decoding runs beside it. The notes
     * are the same with any number.
     */
    uint32_t threads;
    /**
     * Folder of the models, with manifest.toml; by default models, ../share/kinescore/models or
     * ../../share/kinescore/models, as seen from the library's (linked statically: the program's) folder.
     */
    const char *models;
    /**
     * The ONNX Runtime library, or a folder that holds it; by default it is looked for beside this library, in the folder
     * kinescore there, in ../lib/kinescore and ../lib, and in the system's library folders. A process loads it once: the
     * first engine decides.
     */
    const char *onnxruntime;
    /**
     * A SoundFont (.sf2, .sf3) in place of the one that ships.
     */
    const char *soundfont;
    /**
     * Folder in which what was found in media is kept by their content, so that it is found once: poses and what is
     * composed. NULL: nothing is kept. Several processes may share it.
     */
    const char *cache;
    /**
     * Greatest size of that folder, bytes; 0: 2 GiB.
     */
    uint64_t cache_limit;
} kinescore_resources;

/**
 * Told of progress: the stage (KINESCORE_STAGE_…), the share of it that is done, and an estimate of the share of the whole
 * run, 0 to 1 each. 0 as the answer cancels, anything else goes on. It is called on the thread that called
 * kinescore_job_run or on one of the library's, never twice at once. It must be quick, must not throw or long-jump, and of
 * the functions on this job may only call kinescore_job_cancel (others give KINESCORE_BUSY).
 */
typedef int32_t (*kinescore_progress_fn)(void *user, int32_t stage, double stage_done, double overall_done);

/**
 * What is known of pushed frames before the first one.
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
     * Width of a pixel over its height, 0.1 to 10; 0 for square pixels.
     */
    double pixel_aspect;
    /**
     * Frames a second, for information only; 0: taken from the frames' times.
     */
    double frame_rate;
    /**
     * Length of the clip in seconds, 2 to 86400: the soundtrack is exactly as long. 0: the last frame's time and a mean
     * frame's length.
     */
    double duration;
    /**
     * What errors and the analysis call the clip, UTF-8; NULL: "pushed frames".
     */
    const char *name;
} kinescore_frames_info;

/**
 * One upright frame, with values as they are shown (gamma-encoded, as 8-bit video is; not linear light).
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
     * When it is shown, seconds from the clip's start, 0 or more; later than the frame before.
     */
    double time;
    /**
     * Bytes from the start of a row to that of the row below it: negative where rows are stored from the bottom up.
     */
    int64_t stride;
    /**
     * The first pixel of the top row. It needs no alignment.
     */
    const void *pixels;
} kinescore_frame;

/**
 * What a job has found and made. Counts are of what is heard in the cut.
 */
typedef struct {
    /**
     * sizeof(kinescore_summary), set by the caller.
     */
    uint32_t struct_size;
    /**
     * People followed in the media.
     */
    uint32_t people;
    /**
     * Length of the soundtrack, seconds.
     */
    double duration;
    /**
     * Beats a minute, as heard.
     */
    double tempo;
    /**
     * How far beats and tempo can be trusted, 0 to 1.
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
     * Notes of the score, drum hits included.
     */
    uint64_t notes;
    /**
     * Tonic of the key, in semitones above C, 0 to 11; −1 where only drums are heard.
     */
    int32_t key_tonic;
    /**
     * KINESCORE_MODE_…, or 0 where only drums are heard.
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
     * Style of the drums, ended by a NUL byte.
     */
    char style[32];
} kinescore_summary;

/**
 * A beat. This struct never changes.
 */
typedef struct {
    /**
     * When it falls, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * Its number in the bar; 1 is the downbeat.
     */
    uint32_t number;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
} kinescore_beat;

/**
 * A peak of the movement, which the music answers. This struct never changes.
 */
typedef struct {
    /**
     * When it falls, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * How strong it is beside the clip's others, above 0, at most 1.
     */
    float strength;
    /**
     * KINESCORE_ACCENT_…
     */
    uint32_t kind;
} kinescore_accent;

/**
 * An accent with what of the body makes it. This struct never changes.
 */
typedef struct {
    /**
     * When it falls, seconds from the start of the soundtrack.
     */
    double time;
    /**
     * How strong it is beside the clip's others, above 0, at most 1.
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
     * KINESCORE_IMPACT_…, how the movement ends; 0 where the accent is no impact.
     */
    uint32_t impact;
} kinescore_body_accent;

/**
 * A stretch of time in which the body holds still. This struct never changes.
 */
typedef struct {
    /**
     * When it comes to rest, seconds from the start of the soundtrack.
     */
    double from;
    /**
     * When it moves again.
     */
    double to;
} kinescore_hold;

/**
 * The form of the sound.
 */
typedef struct {
    /**
     * sizeof(kinescore_audio_format), set by the caller.
     */
    uint32_t struct_size;
    /**
     * Samples a second: 44100, 48000 or 96000, as the setting sound.rate says.
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
 * The version of the interface that the library has, to be compared with `KINESCORE_ABI_VERSION` of the header: where
 * they differ, call nothing else.
 */
uint32_t kinescore_abi_version(void);

/**
 * The library's version, such as "0.1.0". Valid for ever.
 */
const char *kinescore_version(void);

/**
 * The name of a status, such as "KINESCORE_NO_BEAT"; for a number that is none, "KINESCORE_UNKNOWN". Valid for ever.
 */
const char *kinescore_status_name(int32_t status);

/**
 * The sentence of the last call that failed on this thread, in English UTF-8; "" if none has. It stays valid until
 * another call on this thread fails. It names the file, the value met and the value allowed, and can be shown to users.
 */
const char *kinescore_last_error(void);

/**
 * Gives the library's messages up to `level` to `log`, which replaces an earlier function; NULL stops them. It holds for
 * the whole process. When this returns, no call of the earlier function is in progress any more and none will come, so
 * that what its `user` points at may go. Without a function the library says nothing: it never writes to standard output
 * or standard error. FFmpeg has a log of its own for the whole process, which belongs to the host: av_log_set_level and
 * av_log_set_callback decide what is seen of it.
 *
 * KINESCORE_BAD_ARGUMENT for a level that is none; KINESCORE_BUSY from within a log function; KINESCORE_OTHER when other
 * Rust code in this process has taken the log.
 */
kinescore_status kinescore_set_log(kinescore_log_fn log,
                                   void *user,
                                   int32_t level);

/**
 * How many settings there are.
 */
size_t kinescore_setting_count(void);

/**
 * Tells about setting number `index`, from 0, in an order fit for an interface.
 *
 * KINESCORE_BAD_ARGUMENT when there are not so many.
 */
kinescore_status kinescore_setting_at(size_t index, kinescore_setting *setting);

/**
 * Makes settings with all values at their defaults. Free them with kinescore_settings_free.
 */
kinescore_status kinescore_settings_new(kinescore_settings **settings);

/**
 * Sets a value, given as text: "120", "funk", "auto". Jobs that have been made already keep theirs.
 *
 * KINESCORE_UNKNOWN_SETTING, KINESCORE_SETTING_VALUE: nothing has changed then.
 */
kinescore_status kinescore_settings_set(kinescore_settings *settings, const char *key, const char *value);

/**
 * Copies a value as text, NUL byte included, into `buffer`, and its size in bytes into `size`. With a `buffer` of NULL and
 * a `capacity` of 0 only the size is returned.
 *
 * KINESCORE_UNKNOWN_SETTING, KINESCORE_BUFFER_TOO_SMALL.
 */
kinescore_status kinescore_settings_get(const kinescore_settings *settings,
                                        const char *key,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *size);

/**
 * Frees settings. NULL is fine. Jobs made with them keep their values.
 */
void kinescore_settings_free(kinescore_settings *settings);

/**
 * Makes an engine; `resources` NULL stands for all defaults. Reads the list of the models; the models themselves, ONNX
 * Runtime and the SoundFont are loaded when a job first needs them, and stay loaded. One engine is enough for a process.
 *
 * KINESCORE_MODEL_MISSING, KINESCORE_MANIFEST when the list of the models cannot be used.
 */
kinescore_status kinescore_engine_new(const kinescore_resources *resources,
                                      kinescore_engine **engine);

/**
 * Copies the key of the soundtrack that a media file gives with these settings and this cut (as in kinescore_job_set_cut):
 * a hash of the media's content, cut, settings and models, as text, NUL byte included; its size in bytes goes into `size`.
 * Where you have a soundtrack of that key there is nothing to do. `settings` NULL stands for the defaults. With a `buffer`
 * of NULL and a `capacity` of 0 only the size is returned. The media is read, once for as long as it is not touched; it is not
 * decoded.
 *
 * KINESCORE_INPUT when it cannot be read; KINESCORE_BAD_ARGUMENT for a speed that is not allowed;
 * KINESCORE_BUFFER_TOO_SMALL.
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
 * Frees an engine. NULL is fine. Jobs that were made with it go on; the last of them frees what is loaded.
 */
void kinescore_engine_free(kinescore_engine *engine);

/**
 * Makes a job with the values that `settings` have now; NULL stands for the defaults. `engine` and `settings` may be freed
 * before the job.
 *
 * KINESCORE_SETTING_VALUE when settings do not fit together.
 */
kinescore_status kinescore_job_new(const kinescore_engine *engine,
                                   const kinescore_settings *settings,
                                   kinescore_job **job);

/**
 * Opens a video file and decodes its first frame.
 *
 * KINESCORE_INPUT, KINESCORE_NOT_A_VIDEO, KINESCORE_NO_VIDEO_STREAM, KINESCORE_NO_FRAMES, KINESCORE_FRAME_SIZE,
 * KINESCORE_CLIP_TOO_SHORT, KINESCORE_CUT_OUTSIDE, KINESCORE_MEDIA: the job is as new then. KINESCORE_WRONG_STATE when it
 * has a video or frames already.
 */
kinescore_status kinescore_job_open_video(kinescore_job *job,
                                          const char *path);

/**
 * Says which part of the media is heard and how fast, as a clip on a timeline: from `start` to `end` in flicks
 * (KINESCORE_FLICKS_PER_SECOND) from the media's first frame, or KINESCORE_MEDIA_START and KINESCORE_MEDIA_END; at
 * `speed_numerator / speed_denominator` times the media's speed, 1/4 to 4. The soundtrack is `(end - start) / speed` long, to
 * the sample. Without this call all of the media is heard at its own speed.
 *
 * It may be called at any time, before or after a run. What was found of the media stays, so that the next
 * kinescore_job_run takes a fraction of the first; every bar that both cuts share keeps its notes, but for the ending.
 *
 * KINESCORE_BAD_ARGUMENT for a speed that is not allowed; KINESCORE_CUT_OUTSIDE, KINESCORE_CLIP_TOO_SHORT: the cut before
 * stays then. Where the length of the media is not known yet, kinescore_job_run gives these.
 */
kinescore_status kinescore_job_set_cut(kinescore_job *job,
                                       int64_t start,
                                       int64_t end,
                                       uint32_t speed_numerator,
                                       uint32_t speed_denominator);

/**
 * Copies the key of the soundtrack that the job makes, as kinescore_engine_key does. It may be asked for once the video has
 * been opened, before a run as well.
 *
 * KINESCORE_WRONG_STATE before; KINESCORE_FRAME for pushed frames, which have none; KINESCORE_INPUT,
 * KINESCORE_BUFFER_TOO_SMALL.
 */
kinescore_status kinescore_job_key(const kinescore_job *job,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *size);

/**
 * Makes the soundtrack, or what a change of the cut asks for. It takes long: call it off the host's main thread. When all
 * is done already it returns at once.
 *
 * KINESCORE_NO_PERSON, KINESCORE_PERSON_TOO_BRIEF, KINESCORE_NO_SUCH_PERSON, KINESCORE_NO_BEAT are answers about the clip.
 * After KINESCORE_CANCELLED or another failure it can be called again; stages that were done are kept. Where pushed frames
 * ended in a failure of the search for poses the job is as new.
 */
kinescore_status kinescore_job_run(kinescore_job *job,
                                   kinescore_progress_fn progress,
                                   void *user);

/**
 * Stops the call on this job that is in progress: opening, pushing, running or writing gives KINESCORE_CANCELLED, well
 * under half a second later, unless it is done before. If none is in progress, the next one is stopped. May be called from
 * any thread at any time, from callbacks as well, as long as the job is not freed.
 */
kinescore_status kinescore_job_cancel(const kinescore_job *job);

/**
 * Frees a job. NULL is fine. It must not be in use by another thread any more: cancel it, and wait for its call to return.
 */
void kinescore_job_free(kinescore_job *job);

/**
 * Begins a clip whose frames the host pushes, in place of kinescore_job_open_video. The search for poses begins in a thread
 * of the library's own and goes on while frames are pushed.
 *
 * KINESCORE_WRONG_STATE when the job has a video or frames already; KINESCORE_FRAME_SIZE, KINESCORE_CLIP_TOO_SHORT,
 * KINESCORE_FRAME for what cannot be.
 */
kinescore_status kinescore_job_begin_frames(kinescore_job *job,
                                            const kinescore_frames_info *info);

/**
 * Gives the next frame. The pixels are copied before this returns. It waits while a few frames are waiting already: a clip
 * is never held in memory. More frames than the setting pose.rate asks for are taken and cost next to nothing.
 *
 * KINESCORE_FRAME for a frame that does not fit, with its number, the value met and the value allowed: the clip goes on as
 * if it had not been pushed. Any other failure, KINESCORE_CANCELLED among them, ends the clip: the job is as new, and
 * frames can be begun again.
 */
kinescore_status kinescore_job_push_frame(kinescore_job *job,
                                          const kinescore_frame *frame);

/**
 * Ends the pushed frames; kinescore_job_run goes on with them.
 *
 * KINESCORE_NO_FRAMES, KINESCORE_CLIP_TOO_SHORT: the job is as new then, as after a failure of the search for poses.
 */
kinescore_status kinescore_job_end_frames(kinescore_job *job);

/**
 * Tells what a run has found and made.
 *
 * KINESCORE_WRONG_STATE before kinescore_job_run has ended well, and after a change of the cut until it has again. The same
 * holds for the functions below.
 */
kinescore_status kinescore_job_summary(const kinescore_job *job,
                                       kinescore_summary *summary);

/**
 * Copies the beats, in rising order, into the caller's array and their number into `count`. With `beats` NULL and a
 * `capacity` of 0 only the number is returned.
 *
 * KINESCORE_BUFFER_TOO_SMALL: nothing was written then.
 */
kinescore_status kinescore_job_beats(const kinescore_job *job, kinescore_beat *beats, size_t capacity, size_t *count);

/**
 * Copies the accents, in rising order, as kinescore_job_beats does the beats.
 */
kinescore_status kinescore_job_accents(const kinescore_job *job,
                                       kinescore_accent *accents,
                                       size_t capacity,
                                       size_t *count);

/**
 * Copies the accents, in rising order, with what of the body makes them, as kinescore_job_beats does the beats. They are those
 * of kinescore_job_accents, as many and in the same order.
 */
kinescore_status kinescore_job_body_accents(const kinescore_job *job,
                                            kinescore_body_accent *accents,
                                            size_t capacity,
                                            size_t *count);

/**
 * Copies the stretches in which the body holds still, in rising order, as kinescore_job_beats does the beats; there may be none.
 */
kinescore_status kinescore_job_holds(const kinescore_job *job, kinescore_hold *holds, size_t capacity, size_t *count);

/**
 * Copies the key's name, such as "A minor", NUL byte included, into `buffer`, and its size in bytes into `size`; "" where
 * only drums are heard. With a `buffer` of NULL and a `capacity` of 0 only the size is returned.
 *
 * KINESCORE_BUFFER_TOO_SMALL: nothing was written then.
 */
kinescore_status kinescore_job_music_key(const kinescore_job *job,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *size);

/**
 * Tells the form of the sound.
 */
kinescore_status kinescore_job_audio_format(const kinescore_job *job, kinescore_audio_format *format);

/**
 * Copies sound into `samples`: `frames` sample frames from number `first_frame` on, interleaved, full scale ±1; `frames ×
 * channels` numbers. `read` receives how many frames were copied: fewer at the end of the sound, 0 beyond it.
 *
 * It may be called from another thread while kinescore_job_run is making the sound. Then it gives the frames that are there,
 * fewer than asked for as well, and waits for the first of them; they are those that the finished sound has. The first are
 * there once the loudness of the whole is known. Before the run has come to the sound it gives KINESCORE_BUSY; 0 frames before
 * the end of the sound mean that the run has failed, and KINESCORE_CANCELLED that it was cancelled.
 */
kinescore_status kinescore_job_read_audio(const kinescore_job *job,
                                          uint64_t first_frame,
                                          size_t frames,
                                          float *samples,
                                          size_t *read);

/**
 * Writes a file, under a temporary name first, so that nothing half-written is ever seen. `format` is
 * - "wav": the sound, 24 bits; "stems": one such file a part into the folder `path`, which is made;
 * - "mid": the notes as a standard MIDI file;
 * - "json": the analysis;
 * - "svg", "png": a picture of the analysis;
 * - "mp4", "mov", "mkv", "webm", or "video" for any that `path` ends in: the video's picture, copied, with the soundtrack
 *   (and the video's own sound as the setting "original" says).
 *
 * Where the path decides the format ("svg", "png", and those of a video) the path must end in it.
 *
 * KINESCORE_BAD_ARGUMENT for another format; KINESCORE_OUTPUT, KINESCORE_OUTPUT_IS_INPUT, KINESCORE_MEDIA; for a video
 * KINESCORE_FRAME after pushed frames, and KINESCORE_PICTURE_SPEED for a cut at another speed.
 */
kinescore_status kinescore_job_write(kinescore_job *job,
                                     const char *format,
                                     const char *path);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KINESCORE_H */
