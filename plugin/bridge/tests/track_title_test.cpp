#include "../track_title.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace kinescore::bridge;

TEST_CASE("our tracks are recognised by their titles, and a new one gets the first free title") {
    for (const char *own : {"Soundtrack", "Soundtrack 2", "Soundtrack 10"}) {
        CHECK_MESSAGE(is_track_title(own), own);
    }
    for (const char *other : {"", "soundtrack", "Soundtracks", "Soundtrack mix", "Soundtrack ", "My Soundtrack"}) {
        CHECK_FALSE_MESSAGE(is_track_title(other), other);
    }
    const auto free_among = [](const std::set<std::string> &titles) {
        return free_track_title([&](const std::string &title) { return titles.count(title) > 0; });
    };
    CHECK(free_among({}) == "Soundtrack");
    CHECK(free_among({"Soundtrack 2", "Music"}) == "Soundtrack");
    CHECK(free_among({"Soundtrack", "Soundtrack 2"}) == "Soundtrack 3");
}
