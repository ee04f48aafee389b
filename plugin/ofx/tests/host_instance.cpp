#include "host_support.hpp"

#include <algorithm>

namespace kinescore::ofx_test {

namespace {

constexpr unsigned char untouched = 0xa5; ///< In pictures to be rendered.

constexpr OfxPointD full_scale{1.0, 1.0};

const std::string no_field = kOfxImageFieldNone;

template <typename Type> Type value_as(const Effect &effect, const std::string &name) {
    const Value value = effect.parameter(name).value();
    if (const Type *found = std::get_if<Type>(&value)) {
        return *found;
    }
    throw HostError("the parameter " + name + " is a " + effect.instance_parameter(name).getType() + ": its value is of another type");
}

} // namespace

TestInstance::Impl::Impl(TestHost::Impl &host, std::unique_ptr<Effect> made) : host(host), effect(std::move(made)) {
    const std::lock_guard lock(host.mutex);
    host.contexts[effect->getHandle()] = effect->getContext();
}

TestInstance::Impl::~Impl() {
    effect->destroy();
    const std::lock_guard lock(host.mutex);
    host.contexts.erase(effect->getHandle());
    host.violations.insert(host.violations.end(), effect->violations.begin(), effect->violations.end());
}

/// A change by the user, between its begin and end.
OfxStatus TestInstance::Impl::changed(const std::function<OfxStatus()> &instance_changed) {
    effect->beginInstanceChangedAction(kOfxChangeUserEdited);
    const OfxStatus status = instance_changed();
    effect->endInstanceChangedAction(kOfxChangeUserEdited);
    effect->runGetClipPrefsConditionally();
    return status;
}

void TestInstance::Impl::check_editable(const std::string &name) const {
    const param::Instance &parameter = effect->instance_parameter(name);
    if (!parameter.getEnabled() || parameter.getSecret()) {
        throw HostError("a user cannot edit the parameter " + name + ": it is " + (parameter.getSecret() ? "secret" : "disabled"));
    }
}

void TestInstance::Impl::ask_identity(double t, const OfxRectI &window, Rendered &answer) {
    answer.identity_time = t;
    answer.status = effect->isIdentityAction(answer.identity_time, no_field, window, full_scale, answer.identity_clip);
    answer.identity = answer.status == kOfxStatOK;
}

/// The picture named by IsIdentity.
Picture TestInstance::Impl::named(const Rendered &answer) {
    const auto *clip = dynamic_cast<Clip *>(effect->getClip(answer.identity_clip));
    if (clip == nullptr || clip->isOutput() || !clip->getConnected()) {
        effect->violation("IsIdentity named \"" + answer.identity_clip + "\", which is not a clip with a picture");
        return {};
    }
    return clip->picture(answer.identity_time);
}

void TestInstance::Impl::render(double t, const OfxRectI &window, Rendered &answer) {
    const Clip &clip = effect->clip(kOfxImageEffectOutputClipName);
    Picture empty(effect->source.width, effect->source.height, depth_of(clip.getPixelDepth()), components_of(clip.getComponents()));
    std::fill(empty.bytes.begin(), empty.bytes.end(), untouched);
    effect->output = std::make_shared<Pixels>(empty, effect->traits);
    answer.status = effect->renderAction(t, no_field, window, full_scale, false, false, false);
    answer.rendered = true;
    answer.picture = effect->output->picture();
    effect->output.reset();
}

/// In the order of HostSupport's own example, with IsIdentity before the render.
Rendered TestInstance::Impl::ask(double t, const std::optional<OfxRectI> &asked, bool heed_identity) {
    const double aspect = effect->source.pixel_aspect;
    const OfxRectI window = asked.value_or(OfxRectI{0, 0, effect->source.width, effect->source.height});
    const OfxRectD canonical{window.x1 * aspect, static_cast<double>(window.y1), window.x2 * aspect, static_cast<double>(window.y2)};
    effect->rendering = t;
    OfxRectD region{};
    effect->getRegionOfDefinitionAction(t, full_scale, region);
    std::map<support::ClipInstance *, OfxRectD> regions;
    effect->getRegionOfInterestAction(t, full_scale, canonical, regions);
    support::RangeMap frames;
    effect->getFrameNeededAction(t, frames);

    Rendered answer;
    ask_identity(t, window, answer);
    if (answer.identity && heed_identity) {
        answer.picture = named(answer);
    } else {
        render(t, window, answer);
    }
    effect->rendering.reset();
    return answer;
}

Rendered TestInstance::Impl::in_sequence(double t, const std::optional<OfxRectI> &window, bool heed_identity) {
    effect->runGetClipPrefsConditionally();
    if (sequence) {
        return ask(t, window, heed_identity);
    }
    effect->beginRenderAction(t, t, 1.0, false, full_scale, false, false);
    Rendered answer = ask(t, window, heed_identity);
    effect->endRenderAction(t, t, 1.0, false, full_scale, false, false);
    return answer;
}

TestInstance::TestInstance(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TestInstance::~TestInstance() = default;

OfxImageEffectHandle TestInstance::handle() const { return impl_->effect->getHandle(); }

Properties TestInstance::properties() const { return Properties(&impl_->effect->getProps()); }

SourceClip &TestInstance::source() { return impl_->effect->source; }

Picture TestInstance::source_picture(double t) const { return impl_->effect->clip(kOfxImageEffectSimpleSourceClipName).picture(t); }

double &TestInstance::time() { return impl_->effect->time; }

std::vector<std::string> TestInstance::parameters() const {
    std::vector<std::string> names;
    for (const param::Instance *parameter : impl_->effect->getParamList()) {
        names.push_back(parameter->getName());
    }
    return names;
}

Value TestInstance::value(const std::string &name) const { return impl_->effect->parameter(name).value(); }

bool TestInstance::get_bool(const std::string &name) const { return value_as<bool>(*impl_->effect, name); }

int TestInstance::get_int(const std::string &name) const { return value_as<int>(*impl_->effect, name); }

double TestInstance::get_double(const std::string &name) const { return value_as<double>(*impl_->effect, name); }

std::string TestInstance::get_string(const std::string &name) const {
    if (impl_->effect->instance_parameter(name).getType() == kOfxParamTypeChoice) {
        return parameter(name).text(kOfxParamPropChoiceOption, get_int(name));
    }
    return value_as<std::string>(*impl_->effect, name);
}

bool TestInstance::enabled(const std::string &name) const { return impl_->effect->instance_parameter(name).getEnabled(); }

bool TestInstance::secret(const std::string &name) const { return impl_->effect->instance_parameter(name).getSecret(); }

Properties TestInstance::parameter(const std::string &name) const {
    return Properties(&impl_->effect->instance_parameter(name).getProperties());
}

void TestInstance::set(const std::string &name, const Value &value) { impl_->effect->parameter(name).put(value); }

OfxStatus TestInstance::edit(const std::string &name, const Value &value) {
    impl_->check_editable(name);
    set(name, value);
    return impl_->changed(
        [&] { return impl_->effect->paramInstanceChangedAction(name, kOfxChangeUserEdited, time(), full_scale); });
}

OfxStatus TestInstance::press(const std::string &button) {
    impl_->check_editable(button);
    if (impl_->effect->instance_parameter(button).getType() != kOfxParamTypePushButton) {
        throw HostError("the parameter " + button + " is not a push button");
    }
    return impl_->changed(
        [&] { return impl_->effect->paramInstanceChangedAction(button, kOfxChangeUserEdited, time(), full_scale); });
}

OfxStatus TestInstance::clip_changed(const std::string &clip) {
    impl_->effect->clip(clip);
    return impl_->changed([&] { return impl_->effect->clipInstanceChangedAction(clip, kOfxChangeUserEdited, time(), full_scale); });
}

OfxStatus TestInstance::sync_private_data() { return impl_->effect->syncPrivateDataAction(); }

OfxStatus TestInstance::purge_caches() { return impl_->effect->purgeCachesAction(); }

OfxStatus TestInstance::begin_edit() { return impl_->effect->beginInstanceEditAction(); }

OfxStatus TestInstance::end_edit() { return impl_->effect->endInstanceEditAction(); }

OfxStatus TestInstance::begin_sequence(double first, double last, double step, bool interactive) {
    if (impl_->sequence) {
        throw HostError("a sequence is being rendered already");
    }
    impl_->effect->runGetClipPrefsConditionally();
    impl_->sequence = Impl::Sequence{first, last, step, interactive};
    return impl_->effect->beginRenderAction(first, last, step, interactive, full_scale, !interactive, interactive);
}

OfxStatus TestInstance::end_sequence() {
    if (!impl_->sequence) {
        throw HostError("no sequence is being rendered");
    }
    const Impl::Sequence ended = *impl_->sequence;
    impl_->sequence.reset();
    return impl_->effect->endRenderAction(ended.first, ended.last, ended.step, ended.interactive, full_scale, !ended.interactive,
                                          ended.interactive);
}

Rendered TestInstance::render(double t, const std::optional<OfxRectI> &window) { return impl_->in_sequence(t, window, true); }

Rendered TestInstance::force_render(double t, const std::optional<OfxRectI> &window) { return impl_->in_sequence(t, window, false); }

std::function<bool(double)> &TestInstance::on_progress() { return impl_->effect->on_progress; }

void TestInstance::cancel_after(int updates) {
    // Shared, since the function is copied for each call.
    impl_->effect->on_progress = [left = std::make_shared<int>(updates)](double) { return (*left)-- > 0; };
}

void TestInstance::set_abort(bool answer) {
    const std::lock_guard lock(impl_->effect->mutex);
    impl_->effect->aborting = answer;
}

void TestInstance::set_question_answer(OfxStatus answer) { impl_->effect->question_answer = answer; }

std::vector<Message> TestInstance::messages() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->messages;
}

std::string TestInstance::persistent_message() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->persistent;
}

std::vector<ProgressSession> TestInstance::progress() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->progress;
}

std::vector<Fetch> TestInstance::fetches() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->fetches;
}

int TestInstance::aborts_asked() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->aborts_asked;
}

int TestInstance::parameters_set_while_rendering() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->set_while_rendering;
}

std::vector<std::string> TestInstance::violations() const {
    const std::lock_guard lock(impl_->effect->mutex);
    return impl_->effect->violations;
}

} // namespace kinescore::ofx_test
