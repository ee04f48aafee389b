/*
 * The OpenFX host: its suites and properties. Anything that a host lacks or refuses is skipped;
 * nothing here throws.
 */
#ifndef KINESCORE_OFX_HOST_HPP
#define KINESCORE_OFX_HOST_HPP

#include <ofxCore.h>
#include <ofxImageEffect.h>
#include <ofxMessage.h>
#include <ofxParam.h>
#include <ofxProgress.h>
#include <ofxProperty.h>

#include <atomic>
#include <optional>
#include <string>

namespace kinescore::ofx {

/// Suites of the host; missing ones are NULL.
struct Suites {
    const OfxPropertySuiteV1 *properties = nullptr;
    const OfxParameterSuiteV1 *parameters = nullptr;
    const OfxImageEffectSuiteV1 *effects = nullptr;
    const OfxProgressSuiteV1 *progress = nullptr;
    const OfxProgressSuiteV2 *progress_2 = nullptr;
    const OfxMessageSuiteV1 *messages = nullptr;

    /// Fetches them; returns false if one is missing that every plugin needs.
    bool fetch(const OfxHost &host);
};

/// A property set of the host.
class Properties {
public:
    Properties(const Suites &suites, OfxPropertySetHandle handle) : suites_(&suites), handle_(handle) {}

    explicit operator bool() const noexcept { return handle_ != nullptr; }

    std::optional<std::string> text(const char *name, int index = 0) const;
    std::optional<double> number(const char *name, int index = 0) const;
    std::optional<int> whole(const char *name, int index = 0) const;
    void *pointer(const char *name) const;

    void set(const char *name, const std::string &value, int index = 0) const;
    void set(const char *name, double value, int index = 0) const;
    void set(const char *name, int value, int index = 0) const;
    void set_pointer(const char *name, void *value) const;

private:
    const Suites *suites_;
    OfxPropertySetHandle handle_;
};

/// A progress bar of the host, which is removed at the end; without effect if the host has none.
/// `gone` is set if the effect was destroyed in the meantime: then the bar acts as if the user had
/// cancelled, and the host is not called any more.
class ProgressBar {
public:
    ProgressBar(const Suites &suites, OfxImageEffectHandle effect, const std::string &label, const std::atomic<bool> &gone);
    ~ProgressBar();
    ProgressBar(const ProgressBar &) = delete;
    ProgressBar &operator=(const ProgressBar &) = delete;

    /// Shows the share `done`, 0 to 1; returns false if the user has cancelled.
    bool update(double done);

private:
    const Suites &suites_;
    OfxImageEffectHandle effect_;
    const std::atomic<bool> &gone_;
    bool shown_ = false;
};

} // namespace kinescore::ofx

#endif
