#include "core.hpp"
#include "places.hpp"
#include "program.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace {

std::atomic<bool> stopped{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only use lock-free objects");

void stop(int) { stopped = true; }

/// libkinescore of the installation that contains this program: bin/kinescore-ges,
/// lib/libkinescore.so.
std::string installed_library() {
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? "" : (program.parent_path().parent_path() / "lib" / "libkinescore.so").string();
}

} // namespace

int main(int count, char **words) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        action.sa_handler = stop;
        action.sa_flags = SA_RESETHAND; // a second one ends the program at once
        ::sigaction(signal, &action, nullptr);
    }
    const auto maker = [](const std::string &asked) -> std::unique_ptr<kinescore::bridge::Maker> {
        std::error_code error;
        const std::string library = asked.empty() ? installed_library() : std::filesystem::absolute(asked, error).string();
        return std::make_unique<kinescore::bridge::Core>(kinescore::bridge::find_places("", library));
    };
    return kinescore::ges::run({words + std::min(count, 1), words + count},
                               {maker, [] { return stopped.load(); }, std::cout, std::cerr, ::isatty(2) != 0});
}
