#include "markers.hpp"

#include "json_text.hpp"
#include "ratio.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace kinescore::bridge {

namespace {

/// What the library allows: marks that are nearer, or more, would be refused.
constexpr Flicks nearest_hits = flicks_per_second / 20;
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

/// Bars have 4 beats at most; a number beyond is not fixed.
Json fixed_beat(const FixedBeat &fixed) {
    Json mark = {{"time", seconds_of(fixed.time)}};
    if (fixed.number >= 1 && fixed.number <= 4) {
        mark["number"] = fixed.number;
    }
    return mark;
}

bool is_of(const TimelineItem &item, const Marker &marker) {
    const std::string &scope = marker.scope;
    const bool is_inside = scope.empty() || item.id == scope || item.id.compare(0, scope.size() + 1, scope + "/") == 0;
    return is_inside && marker.time >= item.timeline_start && marker.time < item.timeline_start + item.duration();
}

/// As Kdenlive writes no guides.
constexpr const char *no_guides = "[\n]\n";

constexpr int most_categories = 1000;

constexpr std::int64_t most_shotcut_names = 1'000'000'000;

/// Other than the colour that Shotcut gives the user's markers, so that they are told apart.
constexpr const char *colour_of_beats = "#3daee9";

/// A guide of Kdenlive; none if it has no time and name.
std::optional<Marker> guide_from(const Json &guide, const MltClock &clock) {
    const auto place = guide.is_object() ? guide.find("pos") : guide.end();
    const auto comment = guide.is_object() ? guide.find("comment") : guide.end();
    if (!guide.is_object() || place == guide.end() || comment == guide.end() || !place->is_number() ||
        !comment->is_string()) {
        return std::nullopt;
    }
    const double frame = place->get<double>();
    if (!(frame >= 0 && frame <= latest_frame)) {
        return std::nullopt;
    }
    return Marker{clock.flicks(static_cast<Frames>(std::llround(frame))), comment->get<std::string>()};
}

/// Whether the XML of a list is JSON as well, as it is if only texts in it are escaped.
bool is_list_of(const std::string &raw, std::size_t count) {
    try {
        const Json list = parsed_json(raw);
        return list.is_array() && list.size() == count;
    } catch (const std::runtime_error &) {
        return false;
    }
}

/// JSON as XML that is JSON as well: quotes need no escape in the content of an element.
std::string escaped(const std::string &json) {
    std::string text;
    for (const char character : json) {
        text += character == '&' ? "&amp;" : character == '<' ? "&lt;" : character == '>' ? "&gt;" : std::string(1, character);
    }
    return text;
}

pugi::xml_node shotcut_list(pugi::xml_node element) {
    return element.find_child_by_attribute("properties", "name", "shotcut:markers");
}

bool is_marker(pugi::xml_node node) { return std::strcmp(node.name(), "properties") == 0; }

/// A marker of Shotcut; none if it has no time.
std::optional<Marker> shotcut_marker_from(pugi::xml_node node, const MltClock &clock) {
    const auto text = [&](const char *name) {
        return std::string(node.find_child_by_attribute("property", "name", name).text().get());
    };
    const auto frame = clock.read(text("start"));
    if (!frame || *frame < 0 || static_cast<double>(*frame) > latest_frame) {
        return std::nullopt;
    }
    return Marker{clock.flicks(*frame), text("text")};
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

} // namespace

bool MarkersToRemove::take(const Marker &marker) {
    const auto found = left_.find({marker.time, marker.name});
    if (found == left_.end()) {
        return false;
    }
    left_.erase(found);
    return true;
}

std::string marks_of(const TimelineItem &item, const std::vector<Marker> &markers,
                     const std::vector<FixedBeat> &fixed) {
    std::vector<const Marker *> own;
    for (const Marker &marker : markers) {
        if (is_of(item, marker)) {
            own.push_back(&marker);
        }
    }
    std::stable_sort(own.begin(), own.end(), [](const Marker *a, const Marker *b) { return a->time < b->time; });
    Json hits = Json::array();
    std::map<Flicks, Json> beats;
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
            beats.emplace(time, beat(time, kind == "downbeat", words));
            last_beat = time;
        }
    }
    for (const FixedBeat &one : fixed) {
        const auto next = beats.lower_bound(one.time);
        const bool is_near_next = next != beats.end() && next->first - one.time < nearest_beats;
        const bool is_near_last = next != beats.begin() && one.time - std::prev(next)->first < nearest_beats;
        if (!is_near_next && !is_near_last && beats.size() < most_marks) {
            beats.emplace(one.time, fixed_beat(one));
        }
    }
    if (hits.empty() && beats.empty()) {
        return "";
    }
    Json marks = {{"format", "kinescore-marks"}, {"version", 1}};
    for (const auto &[time, mark] : beats) {
        marks["beats"].push_back(mark);
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
        if (auto marker = guide_from(guide, clock)) {
            found.push_back(std::move(*marker));
        }
    }
    return found;
}

std::string changed_guides(const std::string &raw, const std::string &json, const MltClock &clock,
                           const std::vector<Marker> &removed, const std::vector<Marker> &added, int category,
                           const std::string &project) {
    const bool is_missing = json.find_first_not_of(" \t\r\n") == std::string::npos;
    const std::string list = is_missing ? no_guides : json;
    Json guides;
    try {
        guides = parsed_json(list);
    } catch (const std::runtime_error &error) {
        throw Problem(Problem::Kind::input, project + ": its guides cannot be read: " + error.what());
    }
    if (!guides.is_array()) {
        throw Problem(Problem::Kind::input, project + ": its guides are not a list, and beats are added to a list");
    }
    const std::string text = !is_missing && is_list_of(raw, guides.size()) ? raw : escaped(list);
    const JsonScanner scanner(text);
    MarkersToRemove wanted(removed);
    std::vector<bool> kept;
    for (const Json &guide : guides) {
        const auto marker = guide_from(guide, clock);
        kept.push_back(!marker || !wanted.take(*marker));
    }
    std::vector<std::string> lines;
    for (const Marker &marker : added) {
        // As Kdenlive writes them.
        lines.push_back("{\n        \"comment\": " + escaped(dumped(Json(marker.name))) +
                        ",\n        \"pos\": " + std::to_string(clock.nearest(marker.time)) +
                        ",\n        \"type\": " + std::to_string(category) + "\n    }");
    }
    const bool is_empty = lines.empty() && std::find(kept.begin(), kept.end(), true) == kept.end();
    return is_empty ? no_guides : changed_list(text, scanner.root(), kept, lines, "\n    ", "\n");
}

int category_of_guides(const std::string &json) {
    try {
        const Json categories = parsed_json(json);
        for (const Json &category : categories.is_array() ? categories : Json::array()) {
            const auto index = category.is_object() ? category.find("index") : category.end();
            if (category.is_object() && index != category.end() && index->is_number_integer() && *index >= 0 &&
                *index <= most_categories) {
                return index->get<int>();
            }
        }
    } catch (const std::runtime_error &) {
        return 0; // which Kdenlive has by itself
    }
    return 0;
}

std::vector<Marker> markers_of_shotcut(pugi::xml_node element, const MltClock &clock) {
    std::vector<Marker> found;
    for (const pugi::xml_node node : shotcut_list(element).children("properties")) {
        if (auto marker = shotcut_marker_from(node, clock)) {
            found.push_back(std::move(*marker));
        }
    }
    return found;
}

void change_shotcut_markers(XmlText &text, pugi::xml_node element, const MltClock &clock,
                            const std::vector<Marker> &removed, const std::vector<Marker> &added) {
    const pugi::xml_node list = shotcut_list(element);
    MarkersToRemove wanted(removed);
    std::vector<pugi::xml_node> gone;
    std::int64_t next = 0;
    bool is_empty = added.empty();
    pugi::xml_node last;
    for (const pugi::xml_node node : list.children()) {
        const auto marker = is_marker(node) ? shotcut_marker_from(node, clock) : std::nullopt;
        const auto number = whole_number(node.attribute("name").value());
        next = number && *number >= next && *number < most_shotcut_names ? *number + 1 : next;
        if (marker && wanted.take(*marker)) {
            gone.push_back(node);
        } else if (node.type() == pugi::node_element) {
            is_empty = false;
            last = node;
        }
    }
    if (list && is_empty) {
        if (!gone.empty()) {
            text.erase(list);
        }
        return;
    }
    std::string lines;
    for (const Marker &marker : added) {
        const std::string time = xml_escape(clock.write(clock.nearest(marker.time)));
        lines += "<properties name=\"" + std::to_string(next++) + "\">\n";
        for (const auto &[name, value] : {std::pair<const char *, std::string>("text", xml_escape(marker.name)),
                                          {"start", time},
                                          {"end", time},
                                          {"color", colour_of_beats}}) {
            lines += text.step() + "<property name=\"" + name + "\">" + value + "</property>\n";
        }
        lines += "</properties>\n";
    }
    if (!lines.empty()) {
        lines.pop_back();
    }
    if (!last && !gone.empty()) {
        text.replace(gone.front(), gone.back(), lines); // all markers of the list
        return;
    }
    for (const pugi::xml_node node : gone) {
        text.erase(node);
    }
    if (lines.empty()) {
        return;
    }
    if (last) {
        text.insert_after(last, lines);
    } else if (list) {
        text.insert_first(list, lines);
    } else {
        std::string whole = "<properties name=\"shotcut:markers\">\n";
        for (const std::string &line : lines_of(lines)) {
            whole += text.step() + line + "\n";
        }
        whole += "</properties>";
        pugi::xml_node property;
        for (const pugi::xml_node node : element.children("property")) {
            property = node;
        }
        property ? text.insert_after(property, whole) : text.insert_first(element, whole);
    }
}

} // namespace kinescore::bridge
