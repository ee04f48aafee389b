#include "bundle.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace kinescore::ofx_test {

namespace fs = std::filesystem;

const std::string fake_core = KINESCORE_FAKE_CORE;
const std::string wrong_core = KINESCORE_WRONG_CORE;
const std::string real_core = KINESCORE_REAL_CORE;
const std::string this_release = KINESCORE_BUNDLE;
const std::string later_release = KINESCORE_LATER_BUNDLE;

namespace {

constexpr const char *bundle_name = "Kinescore.ofx.bundle";

fs::path places_of(const fs::path &plugins) { return plugins / bundle_name / "Contents" / "Resources" / "places.json"; }

} // namespace

Bundle::Bundle(const std::string &core, const std::string &plugin) {
    std::string pattern = (fs::temp_directory_path() / "kinescore-ofx-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directories(work());
    fs::create_directories(plugins());
    fs::copy(plugin, fs::path(plugins()) / bundle_name, fs::copy_options::recursive);
    install(core);
    ::setenv("KINESCORE_FAKE_LOG", (folder_ / "calls").c_str(), 1);
    ::setenv("KINESCORE_CACHE", "off", 1);
    ::unsetenv("KINESCORE_FAKE_STEPS");
    ::unsetenv("KINESCORE_FAKE_STEP_MS");
}

Bundle::~Bundle() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string Bundle::binary() const {
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(fs::path(plugins()) / bundle_name)) {
        if (entry.path().extension() == ".ofx") {
            return entry.path().string();
        }
    }
    return "";
}

void Bundle::install(const std::string &core) const {
    const fs::path places = places_of(plugins());
    fs::create_directories(places.parent_path());
    fs::remove(places);
    if (!core.empty()) {
        std::ofstream(places) << "{\"library\": \"" << core << "\", \"program\": \"/usr/bin/kinescore\"}";
    }
}

std::string Bundle::file(const std::string &name, const std::string &text) const {
    const fs::path path = fs::path(work()) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
}

std::string Bundle::clip(const std::string &name) const {
    const fs::path path = fs::path(work()) / name;
    return fs::exists(path) ? path.string() : file(name, "moving pictures");
}

std::vector<std::string> Bundle::names(const std::string &folder) const {
    std::vector<std::string> found;
    for (const fs::directory_entry &entry : fs::directory_iterator(fs::path(work()) / folder)) {
        found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<std::string> Bundle::calls() const {
    std::ifstream log(folder_ / "calls");
    std::vector<std::string> found;
    for (std::string line; std::getline(log, line);) {
        found.push_back(line);
    }
    return found;
}

void Bundle::forget_calls() const { fs::remove(folder_ / "calls"); }

std::string text_of(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::unique_ptr<TestInstance> on_media(TestHost &host, const std::string &media, Values more) {
    more["media"] = media;
    std::unique_ptr<TestInstance> effect = host.create(kOfxImageEffectContextFilter, more);
    effect->source().first = 0;
    effect->source().last = 99;
    effect->source().fps = 25;
    return effect;
}

} // namespace kinescore::ofx_test
