#include "places.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// The command line's cache; "" for none.
std::string cache_folder() {
    const std::string named = variable("KINESCORE_CACHE");
    if (!named.empty()) {
        return named == "off" ? "" : named;
    }
    // A relative path must be ignored, according to the XDG Base Directory Specification.
    const fs::path base = variable("XDG_CACHE_HOME");
    if (base.is_absolute()) {
        return base / "kinescore";
    }
    const std::string home = variable("HOME");
    return home.empty() ? "" : (fs::path(home) / ".cache" / "kinescore").string();
}

CorePlaces read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    try {
        const nlohmann::json found = nlohmann::json::parse(file);
        CorePlaces places;
        places.library = found.at("library").get<std::string>();
        places.models = found.value("models", "");
        places.onnxruntime = found.value("onnxruntime", "");
        return places;
    } catch (const nlohmann::json::exception &error) {
        throw Problem(Problem::Kind::core, path + ": is damaged, please install Kinescore again: " + error.what());
    }
}

} // namespace

CorePlaces find_places(const std::string &places, const std::string &library) {
    CorePlaces found;
    found.library = library;
    std::error_code ignored;
    if (fs::exists(places, ignored)) {
        found = read(places);
    }
    if (const std::string models = variable("KINESCORE_MODELS"); !models.empty()) {
        found.models = models;
    }
    if (const std::string runtime = variable("KINESCORE_ONNXRUNTIME"); !runtime.empty()) {
        found.onnxruntime = runtime;
    }
    found.cache = cache_folder();
    return found;
}

} // namespace kinescore::bridge
