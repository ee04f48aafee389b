/*
 * The entry points for the host: the exported functions, and the handler of each action.
 */
#include "effect.hpp"
#include "settings_table.hpp"

#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>

namespace kinescore::ofx {

namespace {

/// For tests and users' reports: every action is written to the file named by this environment
/// variable.
constexpr const char *trace_variable = "KINESCORE_OFX_TRACE";

OfxHost *given_host = nullptr;
std::unique_ptr<Studio> studio;

/// The existing instances, by the pointer that the host keeps for the plugin.
std::mutex effects_mutex;
std::map<void *, std::shared_ptr<Effect>> effects;

Properties properties_of(OfxImageEffectHandle handle) {
    OfxPropertySetHandle properties = nullptr;
    if (handle == nullptr || studio->suites().effects->getPropertySet(handle, &properties) != kOfxStatOK) {
        properties = nullptr;
    }
    return {studio->suites(), properties};
}

/// The instance of a handle; NULL if there is none. A caller keeps it alive, even if the host
/// destroys it in the meantime.
std::shared_ptr<Effect> effect_of(OfxImageEffectHandle handle) {
    const Properties properties = properties_of(handle);
    void *data = properties ? properties.pointer(kOfxPropInstanceData) : nullptr;
    const std::lock_guard lock(effects_mutex);
    const auto found = effects.find(data);
    return found == effects.end() ? nullptr : found->second;
}

OfxStatus load() {
    if (given_host == nullptr) {
        return kOfxStatErrMissingHostFeature;
    }
    studio = std::make_unique<Studio>(*given_host);
    return studio->usable() ? kOfxStatOK : kOfxStatErrMissingHostFeature;
}

OfxStatus unload() {
    {
        const std::lock_guard lock(effects_mutex);
        effects.clear();
    }
    studio.reset();
    return kOfxStatOK;
}

OfxStatus describe(OfxImageEffectHandle handle) {
    const Properties effect = properties_of(handle);
    if (!effect) {
        return kOfxStatErrBadHandle;
    }
    effect.set(kOfxPropLabel, "Kinescore");
    effect.set(kOfxImageEffectPluginPropGrouping, "Audio");
    effect.set(kOfxPropPluginDescription,
               "Writes a soundtrack that follows the movement of the person in the clip, as sound and MIDI. The picture is not changed.");
    effect.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextFilter, 0);
    effect.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextGeneral, 1);
    const char *depths[] = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat};
    for (int index = 0; index < 4; ++index) {
        effect.set(kOfxImageEffectPropSupportedPixelDepths, depths[index], index);
    }
    effect.set(kOfxImageEffectPluginPropSingleInstance, 0);
    effect.set(kOfxImageEffectPropSupportsMultiResolution, 1);
    effect.set(kOfxImageEffectPropSupportsTiles, 1);
    effect.set(kOfxImageEffectPropTemporalClipAccess, 1);
    // Some hosts create an instance per frame of a plugin that is safe to render in threads.
    effect.set(kOfxImageEffectPluginRenderThreadSafety, kOfxImageEffectRenderUnsafe);
    effect.set(kOfxImageEffectPluginPropHostFrameThreading, 0);
    return kOfxStatOK;
}

void define_clip(OfxImageEffectHandle handle, const char *name) {
    OfxPropertySetHandle made = nullptr;
    if (studio->suites().effects->clipDefine(handle, name, &made) != kOfxStatOK) {
        return;
    }
    const Properties clip(studio->suites(), made);
    const char *components[] = {kOfxImageComponentRGBA, kOfxImageComponentRGB, kOfxImageComponentAlpha};
    for (int index = 0; index < 3; ++index) {
        clip.set(kOfxImageEffectPropSupportedComponents, components[index], index);
    }
    clip.set(kOfxImageEffectPropTemporalClipAccess, 1);
    clip.set(kOfxImageEffectPropSupportsTiles, 1);
}

OfxStatus describe_in_context(OfxImageEffectHandle handle) {
    OfxParamSetHandle parameters = nullptr;
    if (handle == nullptr || studio->suites().effects->getParamSet(handle, &parameters) != kOfxStatOK) {
        return kOfxStatErrBadHandle;
    }
    define_clip(handle, kOfxImageEffectSimpleSourceClipName);
    define_clip(handle, kOfxImageEffectOutputClipName);
    define_parameters(studio->suites(), parameters);
    return kOfxStatOK;
}

OfxStatus create(OfxImageEffectHandle handle) {
    const Properties properties = properties_of(handle);
    if (!properties) {
        return kOfxStatErrBadHandle;
    }
    auto effect = std::make_shared<Effect>(*studio, handle);
    properties.set_pointer(kOfxPropInstanceData, effect.get());
    const std::lock_guard lock(effects_mutex);
    effects.emplace(effect.get(), effect);
    return kOfxStatOK;
}

OfxStatus destroy(OfxImageEffectHandle handle) {
    const std::shared_ptr<Effect> effect = effect_of(handle);
    if (effect == nullptr) {
        return kOfxStatErrBadHandle;
    }
    effect->leave();
    properties_of(handle).set_pointer(kOfxPropInstanceData, nullptr);
    const std::lock_guard lock(effects_mutex);
    effects.erase(effect.get());
    return kOfxStatOK;
}

OfxStatus changed(Effect &effect, Properties in) {
    // Values set by the plugin itself, or another time, do not change the soundtrack.
    if (in.text(kOfxPropChangeReason) != kOfxChangeUserEdited) {
        return kOfxStatReplyDefault;
    }
    const bool parameter = in.text(kOfxPropType) == kOfxTypeParameter;
    effect.changed(parameter ? in.text(kOfxPropName).value_or("") : "");
    return kOfxStatOK;
}

using Answer = std::function<OfxStatus(Effect &, Properties in, Properties out)>;

/// The handlers of actions.
const std::map<std::string, Answer> &answers() {
    static const std::map<std::string, Answer> table = {
        {kOfxActionInstanceChanged, [](Effect &effect, Properties in, Properties) { return changed(effect, in); }},
        {kOfxActionEndInstanceChanged,
         [](Effect &effect, Properties, Properties) {
             effect.end_changes();
             return kOfxStatOK;
         }},
        {kOfxActionSyncPrivateData,
         [](Effect &effect, Properties, Properties) {
             effect.sync();
             return kOfxStatOK;
         }},
        {kOfxImageEffectActionBeginSequenceRender,
         [](Effect &effect, Properties, Properties) {
             effect.begin_render();
             return kOfxStatOK;
         }},
        {kOfxImageEffectActionIsIdentity,
         [](Effect &effect, Properties in, Properties out) { return effect.identity(in, out); }},
        {kOfxImageEffectActionRender, [](Effect &effect, Properties in, Properties) { return effect.render(in); }},
    };
    return table;
}

OfxStatus act(const std::string &action, OfxImageEffectHandle handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    if (action == kOfxActionLoad) {
        return load();
    }
    if (studio == nullptr || !studio->usable()) {
        return kOfxStatErrMissingHostFeature;
    }
    if (action == kOfxActionUnload) {
        return unload();
    }
    if (action == kOfxActionDescribe) {
        return describe(handle);
    }
    if (action == kOfxImageEffectActionDescribeInContext) {
        return describe_in_context(handle);
    }
    if (action == kOfxActionCreateInstance) {
        return create(handle);
    }
    if (action == kOfxActionDestroyInstance) {
        return destroy(handle);
    }
    const auto answer = answers().find(action);
    if (answer == answers().end()) {
        return kOfxStatReplyDefault;
    }
    const std::shared_ptr<Effect> effect = effect_of(handle);
    if (effect == nullptr) {
        return kOfxStatErrBadHandle;
    }
    return answer->second(*effect, {studio->suites(), in}, {studio->suites(), out});
}

/// Records an action, with its context or parameter.
void trace(const char *path, const std::string &action, OfxPropertySetHandle in) {
    std::ofstream file(path, std::ios::app);
    file << action;
    if (studio != nullptr && studio->usable()) {
        const Properties properties(studio->suites(), in);
        for (const char *name : {kOfxImageEffectPropContext, kOfxPropType, kOfxPropName, kOfxPropChangeReason}) {
            if (const std::optional<std::string> value = properties.text(name)) {
                file << ' ' << *value;
            }
        }
    }
    file << '\n';
}

OfxStatus main_entry(const char *action, const void *handle, OfxPropertySetHandle in, OfxPropertySetHandle out) {
    if (action == nullptr) {
        return kOfxStatErrValue;
    }
    // No exception may pass into the host.
    try {
        if (const char *path = std::getenv(trace_variable)) {
            trace(path, action, in);
        }
        return act(action, static_cast<OfxImageEffectHandle>(const_cast<void *>(handle)), in, out);
    } catch (const std::bad_alloc &) {
        return kOfxStatErrMemory;
    } catch (...) {
        return kOfxStatFailed;
    }
}

void set_host(OfxHost *host) { given_host = host; }

OfxPlugin plugin = {
    kOfxImageEffectPluginApi, kOfxImageEffectPluginApiVersion, "org.kinescore.Soundtrack", 1, 0, set_host, main_entry,
};

} // namespace

} // namespace kinescore::ofx

#define KINESCORE_EXPORT extern "C" __attribute__((visibility("default")))

KINESCORE_EXPORT int OfxGetNumberOfPlugins(void) { return 1; }

KINESCORE_EXPORT OfxPlugin *OfxGetPlugin(int index) { return index == 0 ? &kinescore::ofx::plugin : nullptr; }

/// Of OpenFX 1.5: called before the plugins are requested.
KINESCORE_EXPORT OfxStatus OfxSetHost(const OfxHost *host) {
    return host == nullptr ? kOfxStatFailed : kOfxStatOK;
}
