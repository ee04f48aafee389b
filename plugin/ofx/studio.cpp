#include "studio.hpp"

#include "places.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace kinescore::ofx {

namespace fs = std::filesystem;

namespace {

/// The file that this code was loaded from.
fs::path own_file() {
    static const int inside = 0;
    Dl_info found{};
    if (::dladdr(&inside, &found) == 0 || found.dli_fname == nullptr) {
        return {};
    }
    std::error_code ignored;
    return fs::absolute(found.dli_fname, ignored);
}

} // namespace

Studio::Studio(const OfxHost &host) : host_(host), usable_(suites_.fetch(host)) {}

bool Studio::in_background() const {
    return Properties(suites_, host_.host).whole(kOfxImageEffectHostPropIsBackground).value_or(0) != 0;
}

bridge::Core &Studio::core() {
    if (!core_) {
        // Kinescore.ofx.bundle/Contents/Linux-x86-64/Kinescore.ofx
        const fs::path folder = own_file().parent_path();
        const fs::path places = folder.parent_path() / "Resources" / "places.json";
        core_ = std::make_unique<bridge::Core>(bridge::find_places(places.string(), (folder / "libkinescore.so").string()));
    }
    return *core_;
}

} // namespace kinescore::ofx
