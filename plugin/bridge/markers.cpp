#include "markers.hpp"

#include "json_text.hpp"
#include "ratio.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace kinescore::bridge {

namespace {

/// What the library allows: marks that are nearer, or more, would be refused.
constexpr Flicks nearest_hits = flicks_per_second / 20;
constexpr Flicks nearest_beats = flicks_per_second / 10;
constexpr std::size_t most_marks = 10'000;
constexpr std::size_t longest_label = 80;

/// Latest frame that is read: more than eleven days.
constexpr double latest_frame = 1e9;

constexpr std::array<std::string_view, 3> answers{"drums", "chord", "stop"};

/// The words of a name, in small letters, and where each begins.
class Words {
public:
    explicit Words(const std::string &text) : text_(text) {}

    /// The next word; "" at the end.
    std::string next() {
        while (at_ < text_.size() && !is_part(text_[at_])) {
            ++at_;
        }
        begin_ = at_;
        std::string word;
        for (; at_ < text_.size() && is_part(text_[at_]); ++at_) {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_])));
        }
        return word;
    }

    /// The text from the last word on.
    std::string rest() const { return text_.substr(begin_); }

private:
    /// Letters of other alphabets are bytes above 127.
    static bool is_part(char character) {
        const auto byte = static_cast<unsigned char>(character);
        return std::isalnum(byte) != 0 || byte > 127;
    }

    const std::string &text_;
    std::size_t at_ = 0;
    std::size_t begin_ = 0;
};

double seconds_of(Flicks time) { return static_cast<double>(time) / static_cast<double>(flicks_per_second); }

/// A text without control characters, no longer than a label, and cut between characters.
std::string label_of(const std::string &text) {
    std::string label;
    std::size_t characters = 0;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        const bool begins = (byte & 0xC0u) != 0x80u;
        if (begins && ++characters > longest_label) {
            break;
        }
        label += byte < 0x20 || byte == 0x7F ? ' ' : character;
    }
    return is_utf8(label) ? label : "";
}

Json hit(Flicks time, Words words) {
    Json wanted = Json::array();
    std::string word = words.next();
    while (std::find(answers.begin(), answers.end(), word) != answers.end()) {
        if (std::find(wanted.begin(), wanted.end(), word) == wanted.end()) {
            wanted.push_back(word);
        }
        word = words.next();
    }
    Json mark = {{"time", seconds_of(time)}};
    const std::string label = word.empty() ? "" : label_of(words.rest());
    if (!label.empty()) {
        mark["label"] = label;
    }
    if (!wanted.empty()) {
        mark["answer"] = wanted;
    }
    return mark;
}

Json beat(Flicks time, bool is_downbeat, Words words) {
    Json mark = {{"time", seconds_of(time)}};
    const std::string number = words.next();
    if (is_downbeat) {
        mark["number"] = 1;
    } else if (number.size() == 1 && number >= "1" && number <= "4") {
        mark["number"] = number.front() - '0';
    }
    return mark;
}

bool is_of(const TimelineItem &item, const Marker &marker) {
    const std::string &scope = marker.scope;
    const bool is_inside = scope.empty() || item.id == scope || item.id.compare(0, scope.size() + 1, scope + "/") == 0;
    return is_inside && marker.time >= item.timeline_start && marker.time < item.timeline_start + item.duration();
}

} // namespace

std::string marks_of(const TimelineItem &item, const std::vector<Marker> &markers) {
    std::vector<const Marker *> own;
    for (const Marker &marker : markers) {
        if (is_of(item, marker)) {
            own.push_back(&marker);
        }
    }
    std::stable_sort(own.begin(), own.end(), [](const Marker *a, const Marker *b) { return a->time < b->time; });
    Json hits = Json::array(), beats = Json::array();
    Flicks last_hit = -nearest_hits, last_beat = -nearest_beats;
    for (const Marker *marker : own) {
        const Flicks time = item.source_in + on_media(marker->time - item.timeline_start, item.speed);
        Words words(marker->name);
        const std::string kind = words.next();
        if (kind == "hit" && time - last_hit >= nearest_hits && hits.size() < most_marks) {
            hits.push_back(hit(time, words));
            last_hit = time;
        } else if ((kind == "beat" || kind == "downbeat") && time - last_beat >= nearest_beats &&
                   beats.size() < most_marks) {
            beats.push_back(beat(time, kind == "downbeat", words));
            last_beat = time;
        }
    }
    if (hits.empty() && beats.empty()) {
        return "";
    }
    Json marks = {{"format", "kinescore-marks"}, {"version", 1}};
    if (!beats.empty()) {
        marks["beats"] = beats;
    }
    if (!hits.empty()) {
        marks["hits"] = hits;
    }
    return dumped(marks);
}

std::vector<Marker> guides_of_kdenlive(const std::string &json, const MltClock &clock) {
    Json guides;
    try {
        guides = parsed_json(json);
    } catch (const std::runtime_error &) {
        return {}; // the clips can have their soundtracks without it
    }
    std::vector<Marker> found;
    for (const Json &guide : guides.is_array() ? guides : Json::array()) {
        const auto place = guide.is_object() ? guide.find("pos") : guide.end();
        const auto comment = guide.is_object() ? guide.find("comment") : guide.end();
        if (!guide.is_object() || place == guide.end() || comment == guide.end() || !place->is_number() ||
            !comment->is_string()) {
            continue;
        }
        const double frame = place->get<double>();
        if (frame >= 0 && frame <= latest_frame) {
            found.push_back({clock.flicks(static_cast<Frames>(std::llround(frame))), comment->get<std::string>()});
        }
    }
    return found;
}

std::vector<Marker> markers_of_shotcut(pugi::xml_node element, const MltClock &clock) {
    std::vector<Marker> found;
    const pugi::xml_node list = element.find_child_by_attribute("properties", "name", "shotcut:markers");
    for (const pugi::xml_node marker : list.children("properties")) {
        const auto text = [&](const char *name) {
            return std::string(marker.find_child_by_attribute("property", "name", name).text().get());
        };
        const auto frame = clock.read(text("start"));
        if (frame && *frame >= 0 && static_cast<double>(*frame) <= latest_frame) {
            found.push_back({clock.flicks(*frame), text("text")});
        }
    }
    return found;
}

} // namespace kinescore::bridge
