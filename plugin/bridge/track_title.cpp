#include "track_title.hpp"

#include "ratio.hpp"

namespace kinescore::bridge {

namespace {

const std::string first = "Soundtrack";

} // namespace

bool is_track_title(const std::string &title) {
    return title == first || (title.compare(0, first.size() + 1, first + " ") == 0 &&
                              whole_number(title.substr(first.size() + 1)).has_value());
}

std::string free_track_title(const std::function<bool(const std::string &title)> &is_taken) {
    std::string title = first;
    for (int number = 2; is_taken(title); ++number) {
        title = first + " " + std::to_string(number);
    }
    return title;
}

} // namespace kinescore::bridge
