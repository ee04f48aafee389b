#include "host_support.hpp"

#include <algorithm>
#include <cstdio>

namespace kinescore::ofx_test {

namespace {

/// Actions in which a plugin may set parameters, according to OpenFX's "Setting Parameters".
const std::set<std::string> setting_actions = {kOfxActionCreateInstance, kOfxActionBeginInstanceChanged, kOfxActionInstanceChanged,
                                               kOfxActionEndInstanceChanged, kOfxActionSyncPrivateData};

const std::set<std::string> rendering_actions = {kOfxImageEffectActionBeginSequenceRender, kOfxImageEffectActionRender,
                                                 kOfxImageEffectActionEndSequenceRender};

} // namespace

std::string formatted(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    std::string text(static_cast<std::size_t>(std::max(size, 0)) + 1, '\0');
    std::vsnprintf(&text[0], text.size(), format, arguments);
    text.pop_back();
    return text;
}

Message message_of(const char *type, const char *id, const char *format, va_list arguments, bool persistent) {
    return {type == nullptr ? "" : type, id == nullptr ? "" : id, format == nullptr ? "" : formatted(format, arguments), persistent};
}

Effect::Effect(support::ImageEffectPlugin &plugin, support::Descriptor &descriptor, const std::string &context, const HostTraits &traits)
    : support::Instance(&plugin, descriptor, context, !traits.background), traits(traits) {
    // HostSupport assumes tiles to be supported, whatever was described.
    const int tiles = descriptor.getProps().getIntProperty(kOfxImageEffectPropSupportsTiles);
    _properties.setIntProperty(kOfxImageEffectPropSupportsTiles, tiles);
}

Effect::~Effect() { destroy(); }

OfxStatus Effect::create() {
    const OfxStatus status = createInstanceAction();
    // HostSupport would not destroy an instance that answered like this.
    _created = status == kOfxStatOK || status == kOfxStatReplyDefault;
    if (_created && !getClipPreferences()) {
        violation("GetClipPreferences failed");
    }
    return status;
}

void Effect::destroy() {
    // Not left to HostSupport, whose destructor runs after the objects that the plugin may call are
    // gone.
    if (_created) {
        mainEntry(kOfxActionDestroyInstance, getHandle(), nullptr, nullptr);
        _created = false;
    }
    while (!lent_.empty()) {
        (*lent_.begin())->releaseReference();
    }
}

void Effect::violation(const std::string &sentence) {
    const std::lock_guard lock(mutex);
    violations.push_back(sentence);
}

void Effect::parameter_set_by_plugin(const std::string &name) {
    const std::lock_guard lock(mutex);
    const std::string action = actions_.empty() ? "no action" : actions_.back();
    if (rendering_actions.count(action) != 0) {
        ++set_while_rendering;
    }
    if (setting_actions.count(action) == 0 || thread_ != std::this_thread::get_id()) {
        violations.push_back("the parameter " + name + " was set in " + action +
                             (thread_ == std::this_thread::get_id() ? "" : ", by another thread"));
    }
}

param::Instance &Effect::instance_parameter(const std::string &name) const {
    param::Instance *found = getParam(name);
    if (found == nullptr) {
        throw HostError("the plugin has no parameter " + name);
    }
    return *found;
}

Parameter &Effect::parameter(const std::string &name) const {
    auto *found = dynamic_cast<Parameter *>(&instance_parameter(name));
    if (found == nullptr) {
        throw HostError("the parameter " + name + " has no value: it is a " + instance_parameter(name).getType());
    }
    return *found;
}

Clip &Effect::clip(const std::string &name) const {
    auto *found = dynamic_cast<Clip *>(getClip(name));
    if (found == nullptr) {
        throw HostError("the plugin has no clip " + name);
    }
    return *found;
}

void Effect::image_lent(support::Image *image) {
    const std::lock_guard lock(mutex);
    lent_.insert(image);
}

void Effect::image_back(support::Image *image) {
    const std::lock_guard lock(mutex);
    lent_.erase(image);
}

OfxStatus Effect::mainEntry(const char *action, const void *handle, OFX::Host::Property::Set *in, OFX::Host::Property::Set *out) {
    {
        const std::lock_guard lock(mutex);
        if (actions_.empty()) {
            thread_ = std::this_thread::get_id();
        }
        actions_.emplace_back(action);
    }
    const OfxStatus status = Instance::mainEntry(action, handle, in, out);
    const std::lock_guard lock(mutex);
    actions_.pop_back();
    if (actions_.empty()) {
        if (lent_.size() > kept_) {
            violations.push_back(std::to_string(lent_.size() - kept_) + " pictures were not given back after " + action);
        }
        kept_ = lent_.size();
    }
    return status;
}

const std::string &Effect::getDefaultOutputFielding() const {
    static const std::string none = kOfxImageFieldNone;
    return none;
}

int Effect::abort() {
    const std::lock_guard lock(mutex);
    ++aborts_asked;
    return aborting ? 1 : 0;
}

support::ClipInstance *Effect::newClipInstance(support::Instance *, support::ClipDescriptor *descriptor, int) {
    return new Clip(*this, *descriptor);
}

param::Instance *Effect::newParam(const std::string &, param::Descriptor &descriptor) { return make_parameter(descriptor, *this); }

OfxStatus Effect::editBegin(const std::string &) {
    ++edits_;
    return kOfxStatOK;
}

OfxStatus Effect::editEnd() {
    if (edits_ == 0) {
        violation("paramEditEnd was called without paramEditBegin");
        return kOfxStatFailed;
    }
    --edits_;
    return kOfxStatOK;
}

OfxStatus Effect::vmessage(const char *type, const char *id, const char *format, va_list arguments) {
    const Message message = message_of(type, id, format, arguments, false);
    const std::lock_guard lock(mutex);
    messages.push_back(message);
    return message.type == kOfxMessageQuestion ? question_answer : kOfxStatOK;
}

OfxStatus Effect::setPersistentMessage(const char *type, const char *id, const char *format, va_list arguments) {
    const Message message = message_of(type, id, format, arguments, true);
    const std::lock_guard lock(mutex);
    messages.push_back(message);
    persistent = message.text;
    return kOfxStatOK;
}

OfxStatus Effect::clearPersistentMessage() {
    const std::lock_guard lock(mutex);
    persistent.clear();
    return kOfxStatOK;
}

void Effect::getProjectSize(double &width, double &height) const {
    width = source.width * source.pixel_aspect;
    height = source.height;
}

void Effect::getProjectOffset(double &x, double &y) const { x = y = 0.0; }

void Effect::getProjectExtent(double &width, double &height) const { getProjectSize(width, height); }

double Effect::getProjectPixelAspectRatio() const { return source.pixel_aspect; }

double Effect::getEffectDuration() const { return source.last - source.first + 1.0; }

double Effect::getFrameRate() const { return source.fps; }

double Effect::getFrameRecursive() const { return time; }

void Effect::getRenderScaleRecursive(double &x, double &y) const { x = y = 1.0; }

double Effect::getDoubleProperty(const std::string &name, int index) const {
    if ((name == kOfxImageEffectInstancePropEffectDuration && !traits.frame_range) ||
        (name == kOfxImageEffectPropFrameRate && !traits.frame_rate) ||
        (name == kOfxImageEffectPropProjectPixelAspectRatio && !traits.pixel_aspect)) {
        throw OFX::Host::Property::Exception(kOfxStatErrUnknown);
    }
    if (index < 0) {
        throw OFX::Host::Property::Exception(kOfxStatErrBadIndex);
    }
    return Instance::getDoubleProperty(name, index);
}

void Effect::getDoublePropertyN(const std::string &name, double *values, int count) const {
    for (int index = 0; index < count; ++index) {
        values[index] = getDoubleProperty(name, index);
    }
}

ProgressSession *Effect::shown() { return progress.empty() || progress.back().ended ? nullptr : &progress.back(); }

void Effect::check_thread(const std::string &what) {
    if (actions_.empty() || thread_ != std::this_thread::get_id()) {
        violations.push_back(what + " was called by a thread that is in no action");
    }
}

void Effect::progressStart(const std::string &label, const std::string &id) {
    const std::lock_guard lock(mutex);
    check_thread("progressStart");
    if (shown() != nullptr) {
        violations.push_back("progressStart was called twice");
    }
    progress.push_back({label, id, {}, false});
}

bool Effect::progressUpdate(double done) {
    std::function<bool(double)> answer;
    {
        const std::lock_guard lock(mutex);
        check_thread("progressUpdate");
        if (shown() == nullptr) {
            violations.push_back("progressUpdate was called without progressStart");
            return true;
        }
        shown()->updates.push_back(done);
        answer = on_progress;
    }
    return !answer || answer(done);
}

void Effect::progressEnd() {
    const std::lock_guard lock(mutex);
    check_thread("progressEnd");
    if (shown() == nullptr) {
        violations.push_back("progressEnd was called without progressStart");
        return;
    }
    shown()->ended = true;
}

double Effect::timeLineGetTime() { return time; }

void Effect::timeLineGotoTime(double t) { time = t; }

void Effect::timeLineGetBounds(double &first, double &last) {
    first = source.first;
    last = source.last;
}

} // namespace kinescore::ofx_test
