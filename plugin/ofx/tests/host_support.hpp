/*
 * Internals of the test host: the classes that OpenFX's HostSupport library requires a host to
 * derive. Tests include only host.hpp.
 */
#ifndef KINESCORE_OFX_TESTS_HOST_SUPPORT_HPP
#define KINESCORE_OFX_TESTS_HOST_SUPPORT_HPP

#include "host.hpp"

// HostSupport's headers have exception specifications, which C++17 no longer supports; if WINDOWS
// is defined they do without. Only the first header may see it. The library itself is compiled as
// C++14.
#define WINDOWS
#include <ofxhPropertySuite.h>
#undef WINDOWS

#include <ofxhPluginCache.h>

#include <ofxhHost.h>
#include <ofxhImageEffect.h>
#include <ofxhImageEffectAPI.h> // needs all of the above

#include <cstdarg>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace kinescore::ofx_test {

namespace support = OFX::Host::ImageEffect;
namespace param = OFX::Host::Param;

class Effect;

const char *name_of(Depth depth);
const char *name_of(Components components);
Depth depth_of(const std::string &name);
Components components_of(const std::string &name);

/// A text with arguments like those of printf.
std::string formatted(const char *format, va_list arguments);

/// A message of the plugin; NULL stands for "".
Message message_of(const char *type, const char *id, const char *format, va_list arguments, bool persistent);

// host_params.cpp

/// A parameter with a value.
class Parameter {
public:
    virtual ~Parameter() = default;
    virtual Value value() const = 0;
    /// Sets the value, as the host does. Throws HostError for a value that it cannot have.
    virtual void put(const Value &value) = 0;
};

/// Creates a parameter of a type; NULL for types that this host does not have.
param::Instance *make_parameter(param::Descriptor &descriptor, Effect &effect);

/// Whether this host has parameters of a type.
bool is_supported_type(const std::string &type, const HostTraits &traits);

// host_clip.cpp

/// Pixels in memory, with nothing around them, so that sanitizers detect every access outside.
class Pixels {
public:
    Pixels(const Picture &picture, const HostTraits &traits);

    unsigned char *lowest_row();
    int row_bytes() const; ///< From a row to the one above it.
    const Picture &form() const { return form_; }
    Picture picture() const;
    bool padding_is_whole() const;

private:
    std::size_t stride() const;
    const unsigned char *row(int y) const; ///< `y` counts from the top.

    Picture form_; ///< Without bytes.
    bool top_down_;
    std::size_t padding_;
    std::vector<unsigned char> memory_;
};

class Clip : public support::ClipInstance {
public:
    Clip(Effect &effect, support::ClipDescriptor &descriptor);

    bool is_source() const;

    /// The clip's picture, in the form that it has for the plugin.
    Picture picture(double t) const;

    const std::string &getUnmappedBitDepth() const override;
    const std::string &getUnmappedComponents() const override;
    const std::string &getPremult() const override;
    double getAspectRatio() const override;
    double getFrameRate() const override;
    void getFrameRange(double &first, double &last) const override;
    const std::string &getFieldOrder() const override;
    bool getConnected() const override;
    double getUnmappedFrameRate() const override;
    void getUnmappedFrameRange(double &first, double &last) const override;
    bool getContinuousSamples() const override;
    support::Image *getImage(OfxTime time, const OfxRectD *bounds) override;
    OfxRectD getRegionOfDefinition(OfxTime time) const override;

    // HostSupport's own versions write beyond the caller's array, or always fail.
    double getDoubleProperty(const std::string &name, int index) const override;
    void getDoublePropertyN(const std::string &name, double *values, int count) const override;
    void getIntPropertyN(const std::string &name, int *values, int count) const override;

private:
    std::optional<double> time_shown(double asked) const;

    Effect &effect_;
    std::string own_depth_; ///< The host's, before the plugin's preferences.
    std::string own_components_;
};

// host_effect.cpp

/// An instance, with all observations of the plugin.
class Effect : public support::Instance {
public:
    Effect(support::ImageEffectPlugin &plugin, support::Descriptor &descriptor, const std::string &context, const HostTraits &traits);
    ~Effect() override;

    /// CreateInstance, then the clip preferences.
    OfxStatus create();
    void destroy();

    const HostTraits &traits;
    SourceClip source;
    double time = 0.0; ///< Of the timeline.
    std::optional<double> rendering; ///< The frame that is being rendered.
    std::shared_ptr<Pixels> output;  ///< The picture that the clip "Output" lends.
    std::function<bool(double)> on_progress;
    bool aborting = false;
    OfxStatus question_answer = kOfxStatReplyYes;

    // The plugin may call from several threads.
    mutable std::mutex mutex;
    std::vector<Message> messages;
    std::string persistent;
    std::vector<ProgressSession> progress;
    std::vector<Fetch> fetches;
    int aborts_asked = 0;
    int set_while_rendering = 0;
    std::vector<std::string> violations;

    void violation(const std::string &sentence);
    void parameter_set_by_plugin(const std::string &name);
    Parameter &parameter(const std::string &name) const;
    param::Instance &instance_parameter(const std::string &name) const;
    Clip &clip(const std::string &name) const;

    void image_lent(support::Image *image);
    void image_back(support::Image *image);

    OfxStatus mainEntry(const char *action, const void *handle, OFX::Host::Property::Set *in, OFX::Host::Property::Set *out) override;

    // The functions that HostSupport requires of an instance.
    const std::string &getDefaultOutputFielding() const override;
    int abort() override;
    support::ClipInstance *newClipInstance(support::Instance *, support::ClipDescriptor *descriptor, int) override;
    param::Instance *newParam(const std::string &name, param::Descriptor &descriptor) override;
    OfxStatus editBegin(const std::string &name) override;
    OfxStatus editEnd() override;
    OfxStatus vmessage(const char *type, const char *id, const char *format, va_list arguments) override;
    OfxStatus setPersistentMessage(const char *type, const char *id, const char *format, va_list arguments) override;
    OfxStatus clearPersistentMessage() override;
    void getProjectSize(double &width, double &height) const override;
    void getProjectOffset(double &x, double &y) const override;
    void getProjectExtent(double &width, double &height) const override;
    double getProjectPixelAspectRatio() const override;
    double getEffectDuration() const override;
    double getFrameRate() const override;
    double getFrameRecursive() const override;
    void getRenderScaleRecursive(double &x, double &y) const override;
    double getDoubleProperty(const std::string &name, int index) const override;
    void getDoublePropertyN(const std::string &name, double *values, int count) const override;
    void progressStart(const std::string &label, const std::string &id) override;
    bool progressUpdate(double done) override;
    void progressEnd() override;
    double timeLineGetTime() override;
    void timeLineGotoTime(double time) override;
    void timeLineGetBounds(double &first, double &last) override;

private:
    /// The progress bar that is shown; NULL if there is none.
    ProgressSession *shown();
    void check_thread(const std::string &what);

    std::vector<std::string> actions_; ///< Those in progress, the outermost first.
    std::thread::id thread_;           ///< Of the outermost one.
    std::set<support::Image *> lent_;
    std::size_t kept_ = 0; ///< Pictures still lent when the last action ended.
    int edits_ = 0;
};

// host.cpp

struct TestHost::Impl : support::Host {
    struct Sent {
        std::string text;
        std::optional<OfxStatus> status;
    };

    /// Searches one folder and nothing else.
    struct Folder : OFX::Host::PluginCache {
        explicit Folder(const std::string &folder);

        /// The plugins found, for an error.
        std::string found() const;
    };

    /// Intercepts the plugin before its first action.
    struct Plugins : support::PluginCache {
        explicit Plugins(Impl &host) : support::PluginCache(host), host(host) {}
        using support::PluginCache::newPlugin;
        OFX::Host::Plugin *newPlugin(OFX::Host::PluginBinary *binary, int index, OfxPlugin *plugin);

        Impl &host;
    };

    Impl(const std::string &folder, const std::string &identifier, HostTraits traits);
    ~Impl() override;

    void unload();

    /// Puts the host's entry point into the plugin's struct.
    void trace(OfxPlugin *plugin);
    OfxStatus call(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out);

    support::Descriptor &descriptor(const std::string &context);
    bool has_suite(const std::string &name, int version) const;
    void tell_properties();

    const void *fetchSuite(const char *name, int version) override;
    OfxStatus vmessage(const char *type, const char *id, const char *format, va_list arguments) override;
    OfxStatus setPersistentMessage(const char *type, const char *id, const char *format, va_list arguments) override;
    OfxStatus clearPersistentMessage() override;
    support::Instance *newInstance(void *, support::ImageEffectPlugin *plugin, support::Descriptor &descriptor,
                                   const std::string &context) override;
    support::Descriptor *makeDescriptor(support::ImageEffectPlugin *plugin) override;
    support::Descriptor *makeDescriptor(const support::Descriptor &root, support::ImageEffectPlugin *plugin) override;
    support::Descriptor *makeDescriptor(const std::string &bundle, support::ImageEffectPlugin *plugin) override;

    const std::string identifier;
    const HostTraits traits;
    std::mutex mutex;
    std::vector<Sent> sent;
    std::vector<std::string> suites_asked;
    std::vector<Message> messages;
    std::map<const void *, std::string> contexts; ///< Of the existing instances.
    std::vector<std::string> violations;          ///< Of those that are gone.

    OfxPlugin *traced = nullptr;
    OfxPluginEntryPoint *entry = nullptr; ///< The plugin's own.
    std::unique_ptr<Plugins> plugins;
    std::unique_ptr<Folder> folder; ///< It unloads the plugin, so it must be destroyed first.
    support::ImageEffectPlugin *plugin = nullptr;
    std::string binary;
};

struct TestInstance::Impl {
    Impl(TestHost::Impl &host, std::unique_ptr<Effect> made);
    ~Impl();

    OfxStatus changed(const std::function<OfxStatus()> &instance_changed);
    void check_editable(const std::string &name) const;
    Rendered ask(double t, const std::optional<OfxRectI> &window, bool heed_identity);
    Rendered in_sequence(double t, const std::optional<OfxRectI> &window, bool heed_identity);
    void ask_identity(double t, const OfxRectI &window, Rendered &answer);
    Picture named(const Rendered &answer);
    void render(double t, const OfxRectI &window, Rendered &answer);

    TestHost::Impl &host;
    std::unique_ptr<Effect> effect;

    struct Sequence {
        double first, last, step;
        bool interactive;
    };
    std::optional<Sequence> sequence;
};

} // namespace kinescore::ofx_test

#endif
