#include "../core.hpp"
#include "fakes.hpp"
#include "outside.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>
#include <vector>

using namespace fakes;

namespace {

/// The sentence that reports why a core at these places cannot be used.
std::string problem(const CorePlaces &places) {
    Core core(places);
    try {
        core.key({"/m/dance.mp4", 0, seconds(4), {1, 1}, {}});
    } catch (const Problem &problem) {
        CHECK(problem.kind() == Problem::Kind::core);
        return problem.what();
    }
    return "";
}

/// Builds a library from C.
std::string library(const Folder &folder, const std::string &source) {
    const std::string path = folder.path() + "/libkinescore.so";
    std::ofstream(path + ".c") << source;
    REQUIRE(outside::runs("cc -shared -fPIC -o '" + path + "' '" + path + ".c'"));
    return path;
}

/// All variables of the environment.
std::vector<std::string> environment() {
    std::vector<std::string> all;
    for (char **variable = environ; *variable != nullptr; ++variable) {
        all.emplace_back(*variable);
    }
    return all;
}

} // namespace

TEST_CASE("the environment of the host stays as it is when a core is opened") {
    const Folder folder;
    CorePlaces places;
    // The library itself changes nothing; any change would come from opening it.
    places.library = library(folder, "unsigned kinescore_abi_version(void) { return 4711; }");
    const char *const *before = environ;
    const std::vector<std::string> variables = environment();
    CHECK_FALSE(problem(places).empty());
    CHECK(before == environ);
    CHECK(variables == environment());
}

TEST_CASE("a core that cannot be used is a sentence, not a crash") {
    const Folder folder;
    CorePlaces places;
    CHECK(problem(places).find("an absolute path is needed") != std::string::npos);
    places.library = "libkinescore.so";
    CHECK(problem(places).find("\"libkinescore.so\"") != std::string::npos);
    places.library = folder.path() + "/none.so";
    CHECK(problem(places).find("none.so") != std::string::npos);
    std::ofstream(folder.path() + "/text.so") << "no library";
    places.library = folder.path() + "/text.so";
    CHECK(problem(places).find("text.so") != std::string::npos);
    places.library = library(folder, "int something(void) { return 1; }");
    CHECK(problem(places).find("it lacks kinescore_abi_version") != std::string::npos);
}

TEST_CASE("a core of another interface is refused before anything else of it is used") {
    const Folder folder;
    CorePlaces places;
    places.library = library(folder, "unsigned kinescore_abi_version(void) { return 4711; }");
    CHECK(problem(places).find("has interface 4711; expected ") != std::string::npos);
}
