/// Runs outside programs with a time limit, for the tests of the bridge and of the plugins: a
/// program that does not end fails its test instead of stopping the whole run. The Rust tests have
/// the same in `tests/outside`.
#ifndef KINESCORE_BRIDGE_TESTS_OUTSIDE_HPP
#define KINESCORE_BRIDGE_TESTS_OUTSIDE_HPP

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace outside {

inline std::string replaced(std::string text, const std::string &what, const std::string &by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

/// A shell command that is killed after so many seconds, with everything that it has started; its
/// input is empty.
inline std::string limited(const std::string &command, const std::string &seconds = "180") {
    return "timeout -k 5 " + seconds + " sh -c '" + replaced(command, "'", "'\\''") + "' </dev/null";
}

/// The exit code of a shell command, 124 or 137 if it was killed; its output goes to `output`.
inline int status(const std::string &command, const std::string &seconds = "180",
                  const std::string &output = ">/dev/null 2>&1") {
    const int ended = std::system((limited(command, seconds) + " " + output).c_str());
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

/// Runs a command that ends within minutes.
inline bool runs(const std::string &command) { return status(command) == 0; }

/// Like `runs`; the output is shown.
inline bool runs_shown(const std::string &command) { return status(command, "180", "1>&2") == 0; }

/// Runs a command that starts melt: one at a time among all tests, including those in Rust, since
/// two at once may wait forever; a command that does not end is tried once more.
inline bool runs_melt(const std::string &command, const std::string &seconds = "60") {
    const std::string lock = (std::filesystem::temp_directory_path() / "kinescore-tests-melt.lock").string();
    const int held = ::open(lock.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(held >= 0);
    REQUIRE(::flock(held, LOCK_EX) == 0);
    int ended = status(command, seconds);
    if (ended == 124 || ended == 137) {
        std::cerr << command << ": did not end in " << seconds << " s and was killed; it is tried again" << std::endl;
        ended = status(command, seconds);
    }
    ::close(held);
    return ended == 0;
}

} // namespace outside

#endif
