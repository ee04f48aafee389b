#include "host_support.hpp"

#include <ofxMemory.h>
#include <ofxMessage.h>
#include <ofxMultiThread.h>
#include <ofxProgress.h>
#include <ofxTimeLine.h>

#include <dlfcn.h>

#include <cmath>
#include <sstream>
#include <utility>

namespace kinescore::ofx_test {

namespace {

using Set = OFX::Host::Property::Set;

/// An entry point knows only its arguments.
TestHost::Impl *current_host = nullptr;

OfxStatus traced_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    return current_host->call(action, handle, in, out);
}

std::string without(const std::string &prefix, const std::string &text) {
    return text.compare(0, prefix.size(), prefix) == 0 ? text.substr(prefix.size()) : text;
}

std::string short_action(const std::string &action) { return without("OfxAction", without("OfxImageEffectAction", action)); }

std::string short_context(const std::string &context) { return without("OfxImageEffectContext", context); }

/// The subject of an action, from its arguments.
std::string details(const Set &in) {
    std::ostringstream text;
    if (in.fetchProperty(kOfxImageEffectPropContext) != nullptr) {
        text << ' ' << short_context(in.getStringProperty(kOfxImageEffectPropContext));
    }
    if (in.fetchProperty(kOfxPropType) != nullptr) {
        const bool is_parameter = in.getStringProperty(kOfxPropType) == kOfxTypeParameter;
        text << (is_parameter ? " parameter " : " clip ") << in.getStringProperty(kOfxPropName);
    }
    if (in.fetchProperty(kOfxPropChangeReason) != nullptr) {
        text << ' ' << without("OfxChange", in.getStringProperty(kOfxPropChangeReason));
    } else if (in.fetchProperty(kOfxPropTime) != nullptr) {
        text << ' ' << in.getDoubleProperty(kOfxPropTime);
    }
    if (in.fetchProperty(kOfxImageEffectPropFrameRange) != nullptr) {
        text << ' ' << in.getDoubleProperty(kOfxImageEffectPropFrameRange, 0) << ".."
             << in.getDoubleProperty(kOfxImageEffectPropFrameRange, 1);
    }
    return text.str();
}

const Set &set_of(const void *set) { return *static_cast<const Set *>(set); }

template <typename Kind> auto property_value(const void *set, const std::string &name, int index) {
    auto *found = dynamic_cast<OFX::Host::Property::PropertyTemplate<Kind> *>(set_of(set).fetchProperty(name, true));
    if (found == nullptr || index < 0 || index >= found->getDimension()) {
        throw HostError("there is no property " + name + "[" + std::to_string(index) + "] of that type");
    }
    return typename Kind::Type(found->getValue(index));
}

/// A timeline suite like MLT's: it exists, and fails.
const OfxTimeLineSuiteV1 failing_timeline = {[](void *, double *) -> OfxStatus { return kOfxStatErrUnsupported; },
                                             [](void *, double) -> OfxStatus { return kOfxStatErrUnsupported; },
                                             [](void *, double *, double *) -> OfxStatus { return kOfxStatErrUnsupported; }};

/// Refuses parameters according to the host's traits, and names that were already defined.
class EffectDescriptor : public support::Descriptor {
public:
    template <typename... Arguments>
    explicit EffectDescriptor(const HostTraits &traits, Arguments &&...arguments)
        : support::Descriptor(std::forward<Arguments>(arguments)...), traits_(traits) {}

    param::Descriptor *paramDefine(const char *type, const char *name) override {
        if (!is_supported_type(type, traits_) || getParams().count(name) != 0) {
            return nullptr;
        }
        return support::Descriptor::paramDefine(type, name);
    }

private:
    const HostTraits &traits_;
};

const support::Descriptor &descriptor_of(const void *descriptor) { return *static_cast<const support::Descriptor *>(descriptor); }

} // namespace

HostTraits mlt() {
    HostTraits traits;
    traits.name = "MLT";
    traits.api_minor = 5;
    traits.background = true;
    traits.timeline = TimelineSuite::fails;
    traits.frame_range = false;
    traits.frame_rate = false;
    traits.other_frames = OtherFrames::current;
    traits.rows = RowOrder::top_down;
    return traits;
}

bool Properties::has(const std::string &name) const { return set_of(set_).fetchProperty(name, true) != nullptr; }

int Properties::size(const std::string &name) const { return set_of(set_).getDimension(name); }

std::string Properties::text(const std::string &name, int index) const {
    return property_value<OFX::Host::Property::StringValue>(set_, name, index);
}

int Properties::whole(const std::string &name, int index) const {
    return property_value<OFX::Host::Property::IntValue>(set_, name, index);
}

double Properties::number(const std::string &name, int index) const {
    return property_value<OFX::Host::Property::DoubleValue>(set_, name, index);
}

void *Properties::pointer(const std::string &name, int index) const {
    return property_value<OFX::Host::Property::PointerValue>(set_, name, index);
}

std::vector<std::string> Properties::texts(const std::string &name) const {
    std::vector<std::string> found;
    for (int index = 0; index < size(name); ++index) {
        found.push_back(text(name, index));
    }
    return found;
}

Properties Description::effect() const { return Properties(&descriptor_of(descriptor_).getProps()); }

std::vector<std::string> Description::parameters() const {
    std::vector<std::string> names;
    for (const param::Descriptor *parameter : descriptor_of(descriptor_).getParamList()) {
        names.push_back(parameter->getName());
    }
    return names;
}

bool Description::has(const std::string &parameter) const { return descriptor_of(descriptor_).getParams().count(parameter) != 0; }

Properties Description::parameter(const std::string &name) const {
    if (!has(name)) {
        throw HostError("the plugin has no parameter " + name);
    }
    return Properties(&descriptor_of(descriptor_).getParams().at(name)->getProperties());
}

std::vector<std::string> Description::clips() const {
    std::vector<std::string> names;
    for (const support::ClipDescriptor *clip : descriptor_of(descriptor_).getClipsByOrder()) {
        names.push_back(clip->getName());
    }
    return names;
}

Properties Description::clip(const std::string &name) const {
    const auto &clips = descriptor_of(descriptor_).getClips();
    const auto found = clips.find(name);
    if (found == clips.end()) {
        throw HostError("the plugin has no clip " + name);
    }
    return Properties(&found->second->getProps());
}

TestHost::Impl::Folder::Folder(const std::string &folder) {
    _pluginPath.clear(); // OFX_PLUGIN_PATH and /usr/OFX/Plugins
    addFileToPath(folder, false);
}

std::string TestHost::Impl::Folder::found() const {
    std::string text;
    for (OFX::Host::PluginBinary *file : _binaries) {
        text += text.empty() ? "" : "; ";
        text += file->getFilePath();
        if (file->isInvalid()) {
            text += " is not there, cannot be loaded, or exports no OfxGetPlugin";
        }
        for (int index = 0; index < file->getNPlugins(); ++index) {
            text += " has " + file->getPlugin(index).getIdentifier();
        }
    }
    return text.empty() ? "no *.ofx.bundle is there" : text;
}

OFX::Host::Plugin *TestHost::Impl::Plugins::newPlugin(OFX::Host::PluginBinary *binary, int index, OfxPlugin *plugin) {
    if (plugin->pluginIdentifier == host.identifier) {
        host.trace(plugin);
    }
    return support::PluginCache::newPlugin(binary, index, plugin);
}

TestHost::Impl::Impl(const std::string &path, const std::string &identifier, HostTraits traits)
    : identifier(identifier), traits(std::move(traits)) {
    if (current_host != nullptr) {
        throw HostError("another TestHost lives: plugins know one host at a time");
    }
    tell_properties();
    current_host = this;
    plugins = std::make_unique<Plugins>(*this); // from here on HostSupport's global host
    folder = std::make_unique<Folder>(path);
    plugins->registerInCache(*folder);
    folder->scanPluginFiles();
    plugin = plugins->getPluginById(identifier);
    if (plugin != nullptr) {
        binary = plugin->getBinary()->getFilePath();
    }
}

void TestHost::Impl::unload() {
    folder.reset();
    plugin = nullptr;
    if (traced != nullptr && TestHost::is_loaded(binary)) {
        traced->mainEntry = entry; // the library stays, for whatever reason
    }
    traced = nullptr;
}

TestHost::Impl::~Impl() {
    unload();
    plugins.reset();
    support::gImageEffectHost = nullptr;
    current_host = nullptr;
}

void TestHost::Impl::trace(OfxPlugin *found) {
    traced = found;
    entry = found->mainEntry;
    found->mainEntry = traced_entry;
}

OfxStatus TestHost::Impl::call(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    std::size_t number = 0;
    {
        const std::lock_guard lock(mutex);
        const auto context = contexts.find(handle);
        const std::string prefix = context == contexts.end() ? "" : short_context(context->second) + " ";
        number = sent.size();
        sent.push_back({prefix + short_action(action) + (in == nullptr ? "" : details(set_of(in))), std::nullopt});
    }
    const OfxStatus status = entry(action, handle, in, out);
    const std::lock_guard lock(mutex);
    if (number < sent.size()) { // unless it was cleared
        sent[number].status = status;
    }
    return status;
}

support::Descriptor &TestHost::Impl::descriptor(const std::string &context) {
    // HostSupport would use a NULL handle after a failed Load or Describe.
    if (plugin->getPluginHandle() == nullptr) {
        throw HostError(identifier + ": Load or Describe failed");
    }
    support::Descriptor *described = plugin->getContext(context);
    if (described == nullptr) {
        throw HostError(identifier + ": DescribeInContext failed, or there is no such context: " + context);
    }
    return *described;
}

bool TestHost::Impl::has_suite(const std::string &name, int version) const {
    if (name == kOfxMessageSuite) {
        return version == 1 ? traits.message : traits.message_2;
    }
    if (name == kOfxProgressSuite) {
        return version == 1 ? traits.progress : traits.progress_2;
    }
    if (name == kOfxTimeLineSuite) {
        return traits.timeline != TimelineSuite::missing;
    }
    if (name == kOfxMemorySuite) {
        return traits.memory;
    }
    return name != kOfxMultiThreadSuite || traits.multithread;
}

void TestHost::Impl::tell_properties() {
    Set &own_properties = getProperties();
    own_properties.setStringProperty(kOfxPropType, kOfxTypeImageEffectHost);
    own_properties.setStringProperty(kOfxPropName, traits.name);
    own_properties.setStringProperty(kOfxPropLabel, traits.name);
    own_properties.setIntProperty(kOfxPropAPIVersion, traits.api_major, 0);
    own_properties.setIntProperty(kOfxPropAPIVersion, traits.api_minor, 1);
    own_properties.setIntProperty(kOfxPropVersion, 1, 0);
    own_properties.setIntProperty(kOfxImageEffectHostPropIsBackground, traits.background ? 1 : 0);
    own_properties.setIntProperty(kOfxImageEffectPropSupportsOverlays, 0);
    own_properties.setIntProperty(kOfxImageEffectPropTemporalClipAccess, traits.other_frames == OtherFrames::given ? 1 : 0);
    own_properties.setStringProperty(kOfxImageEffectPropSupportedComponents, name_of(traits.components));
    own_properties.setStringProperty(kOfxImageEffectPropSupportedPixelDepths, name_of(traits.depth));
    own_properties.setIntProperty(kOfxImageEffectPropSupportsMultipleClipDepths, 0);
    for (std::size_t index = 0; index < traits.contexts.size(); ++index) {
        own_properties.setStringProperty(kOfxImageEffectPropSupportedContexts, traits.contexts[index], static_cast<int>(index));
    }
}

const void *TestHost::Impl::fetchSuite(const char *name, int version) {
    if (name == nullptr) {
        return nullptr;
    }
    {
        const std::lock_guard lock(mutex);
        suites_asked.push_back(std::string(name) + " " + std::to_string(version));
    }
    if (!has_suite(name, version)) {
        return nullptr;
    }
    if (name == std::string(kOfxTimeLineSuite) && version == 1 && traits.timeline == TimelineSuite::fails) {
        return &failing_timeline;
    }
    return support::Host::fetchSuite(name, version);
}

OfxStatus TestHost::Impl::vmessage(const char *type, const char *id, const char *format, va_list arguments) {
    const Message message = message_of(type, id, format, arguments, false);
    const std::lock_guard lock(mutex);
    messages.push_back(message);
    return kOfxStatOK;
}

OfxStatus TestHost::Impl::setPersistentMessage(const char *type, const char *id, const char *format, va_list arguments) {
    return vmessage(type, id, format, arguments);
}

OfxStatus TestHost::Impl::clearPersistentMessage() { return kOfxStatOK; }

support::Instance *TestHost::Impl::newInstance(void *, support::ImageEffectPlugin *made, support::Descriptor &described,
                                               const std::string &context) {
    return new Effect(*made, described, context, traits);
}

support::Descriptor *TestHost::Impl::makeDescriptor(support::ImageEffectPlugin *made) { return new EffectDescriptor(traits, made); }

support::Descriptor *TestHost::Impl::makeDescriptor(const support::Descriptor &root, support::ImageEffectPlugin *made) {
    return new EffectDescriptor(traits, root, made);
}

support::Descriptor *TestHost::Impl::makeDescriptor(const std::string &bundle, support::ImageEffectPlugin *made) {
    return new EffectDescriptor(traits, bundle, made);
}

TestHost::TestHost(const std::string &folder, const std::string &identifier, HostTraits traits)
    : impl_(std::make_unique<Impl>(folder, identifier, std::move(traits))) {
    if (impl_->plugin == nullptr) {
        throw HostError(folder + ": has no plugin " + identifier + ": " + impl_->folder->found());
    }
}

TestHost::~TestHost() = default;

void TestHost::unload() { impl_->unload(); }

std::string TestHost::binary() const { return impl_->binary; }

bool TestHost::is_loaded(const std::string &binary) {
    void *library = ::dlopen(binary.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) {
        return false;
    }
    ::dlclose(library);
    return true;
}

std::vector<std::string> TestHost::contexts() const { return properties().texts(kOfxImageEffectPropSupportedContexts); }

Properties TestHost::properties() const { return Properties(&impl_->plugin->getDescriptor().getProps()); }

Description TestHost::describe(const std::string &context) { return Description(&impl_->descriptor(context)); }

std::unique_ptr<TestInstance> TestHost::create(const std::string &context, const Values &stored) {
    support::Descriptor &descriptor = impl_->descriptor(context);
    auto effect = std::make_unique<Effect>(*impl_->plugin, descriptor, context, impl_->traits);
    if (effect->populate() != kOfxStatOK) {
        throw HostError(impl_->identifier + ": an instance's clips and parameters cannot be made");
    }
    auto made = std::make_unique<TestInstance::Impl>(*impl_, std::move(effect));
    for (const auto &[name, value] : stored) {
        made->effect->parameter(name).put(value);
    }
    const OfxStatus status = made->effect->create();
    if (status != kOfxStatOK && status != kOfxStatReplyDefault) {
        throw HostError(impl_->identifier + ": CreateInstance failed: " + OFX::StatStr(status));
    }
    return std::make_unique<TestInstance>(std::move(made));
}

OfxPlugin TestHost::raw() const {
    OfxPlugin copy = *impl_->traced;
    copy.mainEntry = impl_->entry;
    return copy;
}

OfxHost *TestHost::handle() { return impl_->getHandle(); }

std::vector<std::string> TestHost::log() const {
    const std::lock_guard lock(impl_->mutex);
    std::vector<std::string> lines;
    for (const Impl::Sent &sent : impl_->sent) {
        lines.push_back(sent.text);
    }
    return lines;
}

std::vector<std::optional<OfxStatus>> TestHost::statuses() const {
    const std::lock_guard lock(impl_->mutex);
    std::vector<std::optional<OfxStatus>> statuses;
    for (const Impl::Sent &sent : impl_->sent) {
        statuses.push_back(sent.status);
    }
    return statuses;
}

void TestHost::clear_log() {
    const std::lock_guard lock(impl_->mutex);
    impl_->sent.clear();
}

std::vector<std::string> TestHost::suites_asked() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->suites_asked;
}

std::vector<Message> TestHost::messages() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->messages;
}

std::vector<std::string> TestHost::violations() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->violations;
}

} // namespace kinescore::ofx_test
