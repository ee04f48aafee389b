/*
 * An OpenFX host for tests, on OpenFX's own HostSupport library: it loads one bundle like an
 * editor, acts as the user, and records everything that the plugin does. HostTraits are the
 * differences between hosts.
 *
 *     HostTraits traits;
 *     traits.name = "DaVinciResolve";
 *     traits.depth = Depth::f32;
 *     {
 *         TestHost host(folder_of_the_bundle, "org.kinescore.soundtrack", traits); // Load, Describe, Unload
 *         CHECK(host.describe(kOfxImageEffectContextFilter).has("generate"));      // Load, Describe, DescribeInContext
 *
 *         auto effect = host.create(kOfxImageEffectContextFilter, {{"media", std::string("/clip.mp4")}});
 *         effect->source().last = 99;                       // 100 frames
 *         effect->source().painter = [](int t, Picture &picture) { picture.set(0, 0, {t / 100.0, 0, 0, 1}); };
 *         effect->edit("style", std::string("funk"));       // as a user does; a choice by its option or its number
 *         effect->cancel_after(3);                          // updates of the progress
 *         CHECK(effect->press("generate") == kOfxStatOK);
 *         CHECK(effect->progress().back().ended);
 *         CHECK(effect->messages().empty());
 *
 *         const Rendered frame = effect->render(12);
 *         CHECK(frame.identity_clip == kOfxImageEffectSimpleSourceClipName);
 *         CHECK(effect->force_render(12).picture == effect->source_picture(12));
 *         CHECK(effect->violations().empty());
 *         CHECK(host.log() == std::vector<std::string>{"Load", "Describe", "Unload", "Load", …});
 *         effect.reset();                                   // DestroyInstance
 *         host.unload();                                    // Unload, dlclose; the end of the block would do so too
 *         CHECK(!TestHost::is_loaded(host.binary()));
 *     }
 *
 * OpenFX counts y from the bottom; a Picture is upright, its first row is the top one.
 */
#ifndef KINESCORE_OFX_TESTS_HOST_HPP
#define KINESCORE_OFX_TESTS_HOST_HPP

#include <ofxCore.h>
#include <ofxImageEffect.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace kinescore::ofx_test {

/// A reason why the host cannot do what a test requests: a missing bundle or plugin, or an action
/// that failed.
class HostError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

enum class Depth { u8, u16, f16, f32 };
enum class Components { rgba, rgb, alpha };

/// Values as displayed, full scale 1.
struct Colour {
    double red = 0.0;
    double green = 0.0;
    double blue = 0.0;
    double alpha = 1.0;
};

/// An upright picture: its rows from the top down, without gaps.
struct Picture {
    Picture() = default;
    Picture(int width, int height, Depth depth, Components components);

    std::size_t pixel_bytes() const;
    std::size_t row_bytes() const { return pixel_bytes() * static_cast<std::size_t>(width); }

    /// `y` counts from the top. Values beyond the depth are clipped.
    void set(int x, int y, const Colour &colour);

    /// FNV-1a (64 bits) of the bytes, as recorded by the fake core for the frames that it receives.
    std::uint64_t checksum() const;

    bool operator==(const Picture &other) const;

    int width = 0;
    int height = 0;
    Depth depth = Depth::u8;
    Components components = Components::rgba;
    std::vector<unsigned char> bytes;
};

/// Paints the frame `t` over a picture that is 0 everywhere. It must paint the same each time.
using Painter = std::function<void(int t, Picture &picture)>;

/// Colours that identify x, y and t; a row from t on is white.
void paint_default(int t, Picture &picture);

/// The picture that a plugin gets when it requests another time than the current one.
enum class OtherFrames { given, current, none };

/// The order of rows in memory: top down means that OpenFX's row bytes are negative.
enum class RowOrder { bottom_up, top_down };

enum class TimelineSuite { works, fails, missing };

/// The properties of a host.
struct HostTraits {
    std::string name = "KinescoreTestHost";
    int api_major = 1;
    int api_minor = 4;
    bool background = false;
    std::vector<std::string> contexts = {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral};

    // The suites that it has.
    bool message = true;
    bool message_2 = true;
    bool progress = true;
    bool progress_2 = true;
    bool memory = true;
    bool multithread = true;
    TimelineSuite timeline = TimelineSuite::works;

    // Properties of clips, and the corresponding ones of the instance. If they are not given,
    // reading them fails.
    bool frame_range = true;
    bool frame_rate = true;
    bool pixel_aspect = true;

    // Pictures.
    OtherFrames other_frames = OtherFrames::given;
    RowOrder rows = RowOrder::bottom_up;
    int row_padding = 0; ///< Bytes between rows.
    Depth depth = Depth::u8;
    Components components = Components::rgba;

    /// If false, it refuses to define string and custom parameters.
    bool string_parameters = true;
};

/// MLT, Kdenlive and Shotcut: a background host that reports almost nothing of the clip.
HostTraits mlt();

/// A parameter's value. A choice is its number or, in `set` and `edit`, its option.
using Value = std::variant<bool, int, double, std::string>;
using Values = std::map<std::string, Value>;

/// The clip "Source". It can be changed at any time; then call `TestInstance::clip_changed`.
struct SourceClip {
    double first = 0.0; ///< First and last frame.
    double last = 249.0;
    double fps = 25.0;
    int width = 64;
    int height = 48;
    double pixel_aspect = 1.0;
    bool connected = true;
    Painter painter = paint_default;
};

/// A message of the plugin to the user.
struct Message {
    std::string type; ///< kOfxMessage…
    std::string id;
    std::string text;
    bool persistent = false;
};

/// A progress bar from its start to its end.
struct ProgressSession {
    std::string label;
    std::string id;
    std::vector<double> updates;
    bool ended = false;
};

/// A picture that the plugin requested.
struct Fetch {
    std::string clip;
    double time = 0.0;
    bool given = false;
};

/// The result of requesting a frame.
struct Rendered {
    OfxStatus status = kOfxStatOK; ///< Of the render action, or of IsIdentity if that was the answer.
    bool identity = false;         ///< The answer of IsIdentity, whether or not it was used,
    std::string identity_clip;     ///< and which picture it named.
    double identity_time = 0.0;
    bool rendered = false; ///< Whether the render action was sent.
    Picture picture;       ///< Bytes not written by a render are 0xa5. Empty if there is none.
};

/// A property set of the host, for reading.
class Properties {
public:
    explicit Properties(const void *set) : set_(set) {}

    bool has(const std::string &name) const;
    int size(const std::string &name) const;
    /// These throw HostError if there is no such property of that type.
    std::string text(const std::string &name, int index = 0) const;
    int whole(const std::string &name, int index = 0) const;
    double number(const std::string &name, int index = 0) const;
    void *pointer(const std::string &name, int index = 0) const;
    std::vector<std::string> texts(const std::string &name) const;

private:
    const void *set_;
};

/// The plugin's description for a context. Valid as long as the host.
class Description {
public:
    explicit Description(const void *descriptor) : descriptor_(descriptor) {}

    Properties effect() const;
    std::vector<std::string> parameters() const; ///< Names in the order of their definition.
    bool has(const std::string &parameter) const;
    Properties parameter(const std::string &name) const;
    std::vector<std::string> clips() const;
    Properties clip(const std::string &name) const;

private:
    const void *descriptor_;
};

/// An instance of the plugin. It must be destroyed before its host.
class TestInstance {
public:
    struct Impl;
    explicit TestInstance(std::unique_ptr<Impl> impl);
    ~TestInstance(); ///< DestroyInstance
    TestInstance(const TestInstance &) = delete;
    TestInstance &operator=(const TestInstance &) = delete;

    /// For suite functions and `TestHost::raw`.
    OfxImageEffectHandle handle() const;
    Properties properties() const;

    SourceClip &source();
    Picture source_picture(double t) const;
    /// Current time of the timeline.
    double &time();

    // Parameters. Unknown names throw HostError.
    std::vector<std::string> parameters() const;
    Value value(const std::string &name) const;
    bool get_bool(const std::string &name) const;
    int get_int(const std::string &name) const;
    double get_double(const std::string &name) const;
    std::string get_string(const std::string &name) const; ///< For a choice, the option.
    bool enabled(const std::string &name) const;
    bool secret(const std::string &name) const;
    Properties parameter(const std::string &name) const;

    /// Sets a value without notifying the plugin, as when a project is opened.
    void set(const std::string &name, const Value &value);

    // The user. Disabled or secret parameters cannot be edited: HostError. These return the status
    // of InstanceChanged.
    OfxStatus edit(const std::string &name, const Value &value);
    OfxStatus press(const std::string &button);
    OfxStatus clip_changed(const std::string &clip = kOfxImageEffectSimpleSourceClipName);

    // Other actions.
    OfxStatus sync_private_data();
    OfxStatus purge_caches();
    OfxStatus begin_edit();
    OfxStatus end_edit();
    OfxStatus begin_sequence(double first, double last, double step = 1.0, bool interactive = false);
    OfxStatus end_sequence();

    /// Requests a frame, or its part within a window, in a sequence of one frame unless one is in
    /// progress. If the plugin answers that a picture exists already, it is not asked to render.
    Rendered render(double t, const std::optional<OfxRectI> &window = std::nullopt);
    /// Renders regardless of IsIdentity.
    Rendered force_render(double t, const std::optional<OfxRectI> &window = std::nullopt);

    // Answers to the plugin.
    std::function<bool(double done)> &on_progress(); ///< Return false to cancel. Empty: never cancels.
    void cancel_after(int updates);                  ///< The update after so many is answered with cancel; 0: the first one.
    void set_abort(bool answer);
    void set_question_answer(OfxStatus answer); ///< For message boxes that ask; initially kOfxStatReplyYes.

    // Observations.
    std::vector<Message> messages() const;
    std::string persistent_message() const; ///< The current one.
    std::vector<ProgressSession> progress() const;
    std::vector<Fetch> fetches() const;
    int aborts_asked() const;
    int parameters_set_while_rendering() const;
    /// Violated rules of OpenFX, each in a sentence: a parameter set where it must not be, a
    /// picture not returned, …
    std::vector<std::string> violations() const;

private:
    std::unique_ptr<Impl> impl_;
};

/// A host with one plugin. There can be only one at a time, since plugins keep the host in a static
/// variable.
class TestHost {
public:
    /// Loads the bundles (*.ofx.bundle) of a folder; nothing else is searched, and no cache is read
    /// or written. Throws HostError if the plugin is not among them. Its OfxPlugin struct is
    /// modified, so that all actions are recorded: it must not be const.
    TestHost(const std::string &folder, const std::string &identifier, HostTraits traits = {});
    ~TestHost(); ///< `unload`
    TestHost(const TestHost &) = delete;
    TestHost &operator=(const TestHost &) = delete;

    /// Does the work of the destructor: afterwards the plugin is gone, and its recorded
    /// observations can still be read.
    void unload();

    /// Path of the library in the bundle.
    std::string binary() const;
    /// Whether a library is loaded in this process.
    static bool is_loaded(const std::string &binary);

    std::vector<std::string> contexts() const; ///< Those that the plugin supports.
    Properties properties() const;             ///< The result of Describe.

    /// Throws HostError if the action fails.
    Description describe(const std::string &context);

    /// Creates an instance; `stored` are values of a project that is opened. Throws HostError if
    /// the plugin refuses.
    std::unique_ptr<TestInstance> create(const std::string &context, const Values &stored = {});

    /// The plugin's struct with its own entry point: actions sent to it are not logged.
    OfxPlugin raw() const;
    OfxHost *handle();

    /// The actions that the host has sent, in order, such as "Filter InstanceChanged parameter
    /// generate UserEdited".
    std::vector<std::string> log() const;
    /// The plugin's answers to them; nothing while there is none, or after an exception.
    std::vector<std::optional<OfxStatus>> statuses() const;
    void clear_log();

    /// Suites that the plugin requested, such as "OfxMessageSuite 2".
    std::vector<std::string> suites_asked() const;

    /// Exceptions that left the plugin, each in a sentence.
    std::vector<Message> messages() const;

    /// Rules violated by instances that are gone.
    std::vector<std::string> violations() const;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace kinescore::ofx_test

#endif
