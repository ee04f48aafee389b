// Inputs that once revealed a fault in fuzzing, and the seeds of fuzzing: each is read and edited
// as in fuzzing (fuzz/readers.hpp), within a time limit.

#include "../fuzz/readers.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>

namespace fs = std::filesystem;

TEST_CASE("faults that a fuzzer found in the readers of projects stay fixed") {
    const fs::path tests = fs::path(__FILE__).parent_path();
    const fs::path root = tests.parent_path().parent_path().parent_path();
    for (const std::string kind : {"mlt", "kdenlive", "otio"}) {
        int inputs = 0;
        for (const fs::path &folder :
             {tests / "fixtures" / kind, root / "fuzz" / "seeds" / kind, root / "fuzz" / "mended" / kind}) {
            std::error_code nothing_was_mended;
            for (const fs::directory_entry &entry : fs::directory_iterator(folder, nothing_was_mended)) {
                CAPTURE(entry.path().string());
                const auto begun = std::chrono::steady_clock::now();
                CHECK_NOTHROW(kinescore::bridge::fuzz::read_and_edit(kind, fakes::content(entry.path().string())));
                CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
                ++inputs;
            }
        }
        CHECK(inputs > 0);
    }
}
