#include "places.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace kinescore::bridge;
namespace fs = std::filesystem;

namespace {

/// Sets a variable of the environment for as long as the object lives.
class Variable {
public:
    Variable(const char *name, const char *value) : name_(name) {
        if (const char *before = std::getenv(name)) {
            before_ = before;
            was_there_ = true;
        }
        value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    }
    ~Variable() { was_there_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }

private:
    const char *name_;
    std::string before_;
    bool was_there_ = false;
};

std::string written(const char *text) {
    const fs::path path = fs::temp_directory_path() / ("kinescore-places-" + std::to_string(::getpid()) + ".json");
    std::ofstream(path) << text;
    return path.string();
}

} // namespace

TEST_CASE("places come from the environment first, then from the installed file") {
    const Variable models("KINESCORE_MODELS", nullptr);
    const Variable runtime("KINESCORE_ONNXRUNTIME", nullptr);
    const Variable cache("KINESCORE_CACHE", nullptr);
    const Variable xdg("XDG_CACHE_HOME", "/caches");
    const std::string file = written(R"({"library": "/opt/k/libkinescore.so", "program": "/opt/k/kinescore", "models": "/opt/k/models"})");

    const CorePlaces found = find_places(file, "/beside/libkinescore.so");
    CHECK(found.library == "/opt/k/libkinescore.so");
    CHECK(found.models == "/opt/k/models");
    CHECK(found.onnxruntime == "");
    CHECK(found.cache == "/caches/kinescore");

    const Variable other_models("KINESCORE_MODELS", "/other/models");
    const Variable other_runtime("KINESCORE_ONNXRUNTIME", "/other/runtime");
    const Variable no_cache("KINESCORE_CACHE", "off");
    const CorePlaces others = find_places(file, "/beside/libkinescore.so");
    CHECK(others.models == "/other/models");
    CHECK(others.onnxruntime == "/other/runtime");
    CHECK(others.cache == "");
    fs::remove(file);
}

TEST_CASE("without an installed file the library is the one beside the plugin") {
    const Variable xdg("XDG_CACHE_HOME", "not/absolute");
    const Variable cache("KINESCORE_CACHE", nullptr);
    const Variable home("HOME", "/home/somebody");
    const CorePlaces found = find_places("/nowhere/places.json", "/beside/libkinescore.so");
    CHECK(found.library == "/beside/libkinescore.so");
    CHECK(found.cache == "/home/somebody/.cache/kinescore");
}

TEST_CASE("a damaged file of places is reported by its name") {
    for (const char *text : {"", "[]", "{", R"({"models": "/m"})", R"({"library": 3})"}) {
        const std::string file = written(text);
        bool is_reported = false;
        try {
            find_places(file, "/beside/libkinescore.so");
        } catch (const Problem &problem) {
            is_reported = problem.kind() == Problem::Kind::core && std::string(problem.what()).find(file) != std::string::npos;
        }
        CHECK_MESSAGE(is_reported, text);
        fs::remove(file);
    }
}
