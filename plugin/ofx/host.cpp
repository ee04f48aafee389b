#include "host.hpp"

namespace kinescore::ofx {

bool Suites::fetch(const OfxHost &host) {
    const auto suite = [&](const char *name, int version) { return host.fetchSuite(host.host, name, version); };
    properties = static_cast<const OfxPropertySuiteV1 *>(suite(kOfxPropertySuite, 1));
    parameters = static_cast<const OfxParameterSuiteV1 *>(suite(kOfxParameterSuite, 1));
    effects = static_cast<const OfxImageEffectSuiteV1 *>(suite(kOfxImageEffectSuite, 1));
    progress_2 = static_cast<const OfxProgressSuiteV2 *>(suite(kOfxProgressSuite, 2));
    progress = static_cast<const OfxProgressSuiteV1 *>(suite(kOfxProgressSuite, 1));
    messages = static_cast<const OfxMessageSuiteV1 *>(suite(kOfxMessageSuite, 1));
    return properties != nullptr && parameters != nullptr && effects != nullptr;
}

std::optional<std::string> Properties::text(const char *name, int index) const {
    char *value = nullptr;
    if (handle_ == nullptr || suites_->properties->propGetString(handle_, name, index, &value) != kOfxStatOK || value == nullptr) {
        return std::nullopt;
    }
    return value;
}

std::optional<double> Properties::number(const char *name, int index) const {
    double value = 0.0;
    if (handle_ == nullptr || suites_->properties->propGetDouble(handle_, name, index, &value) != kOfxStatOK) {
        return std::nullopt;
    }
    return value;
}

std::optional<int> Properties::whole(const char *name, int index) const {
    int value = 0;
    if (handle_ == nullptr || suites_->properties->propGetInt(handle_, name, index, &value) != kOfxStatOK) {
        return std::nullopt;
    }
    return value;
}

void *Properties::pointer(const char *name) const {
    void *value = nullptr;
    if (handle_ == nullptr || suites_->properties->propGetPointer(handle_, name, 0, &value) != kOfxStatOK) {
        return nullptr;
    }
    return value;
}

void Properties::set(const char *name, const std::string &value, int index) const {
    if (handle_ != nullptr) {
        suites_->properties->propSetString(handle_, name, index, value.c_str());
    }
}

void Properties::set(const char *name, double value, int index) const {
    if (handle_ != nullptr) {
        suites_->properties->propSetDouble(handle_, name, index, value);
    }
}

void Properties::set(const char *name, int value, int index) const {
    if (handle_ != nullptr) {
        suites_->properties->propSetInt(handle_, name, index, value);
    }
}

void Properties::set_pointer(const char *name, void *value) const {
    if (handle_ != nullptr) {
        suites_->properties->propSetPointer(handle_, name, 0, value);
    }
}

ProgressBar::ProgressBar(const Suites &suites, OfxImageEffectHandle effect, const std::string &label, const std::atomic<bool> &gone)
    : suites_(suites), effect_(effect), gone_(gone) {
    if (suites_.progress_2 != nullptr) {
        shown_ = suites_.progress_2->progressStart(effect_, label.c_str(), "") == kOfxStatOK;
    } else if (suites_.progress != nullptr) {
        shown_ = suites_.progress->progressStart(effect_, label.c_str()) == kOfxStatOK;
    }
}

ProgressBar::~ProgressBar() {
    if (!shown_ || gone_) {
        return;
    }
    if (suites_.progress_2 != nullptr) {
        suites_.progress_2->progressEnd(effect_);
    } else {
        suites_.progress->progressEnd(effect_);
    }
}

bool ProgressBar::update(double done) {
    if (gone_) {
        return false;
    }
    if (!shown_) {
        return true;
    }
    const OfxStatus answer = suites_.progress_2 != nullptr ? suites_.progress_2->progressUpdate(effect_, done)
                                                           : suites_.progress->progressUpdate(effect_, done);
    return answer != kOfxStatReplyNo && !gone_;
}

} // namespace kinescore::ofx
