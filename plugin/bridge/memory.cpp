#include "memory.hpp"

#include "beat_markers.hpp"
#include "json_text.hpp"
#include "ratio.hpp"
#include "url.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace kinescore::bridge {

namespace {

/// Characters that `joined` does not encode: all that are usual in settings, times and names of
/// elements.
constexpr const char *plain = " -._~/:,+#@";

std::int64_t number(const std::string &text, std::int64_t most) {
    const auto value = whole_number(text);
    return value && *value >= -most && *value <= most ? *value : 0;
}

} // namespace

std::string joined(const std::map<std::string, std::string> &pairs) {
    std::string text;
    for (const auto &[key, value] : pairs) {
        text += (text.empty() ? "" : ";") + percent_encoded(key, plain) + "=" + percent_encoded(value, plain);
    }
    return text;
}

std::map<std::string, std::string> separated(const std::string &text) {
    std::map<std::string, std::string> pairs;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(';', begin), text.size());
        const std::size_t equals = text.find('=', begin);
        if (equals < end) {
            pairs[percent_decoded(text.substr(begin, equals - begin))] =
                percent_decoded(text.substr(equals + 1, end - equals - 1));
        }
        begin = end + 1;
    }
    return pairs;
}

Settings settings_from(const std::string &text) {
    if (text.empty() || text.front() != '{') {
        return separated(text);
    }
    Settings settings;
    try {
        const Json json = parsed_json(text);
        for (const auto &[key, value] : json.items()) {
            settings[key] = value.is_string() ? value.get<std::string>() : dumped(value);
        }
    } catch (const std::runtime_error &) {
        settings.clear(); // damaged: the defaults
    }
    return settings;
}

std::vector<std::pair<std::string, std::string>> remembered(const Placed &placed) {
    const TimelineItem &item = placed.made_for;
    std::vector<std::pair<std::string, std::string>> fields{{"key", placed.key},
                                                            {"settings", joined(placed.settings)},
                                                            {"media", item.media_path},
                                                            {"name", item.name},
                                                            {"in", std::to_string(item.source_in)},
                                                            {"out", std::to_string(item.source_out)},
                                                            {"start", std::to_string(item.timeline_start)},
                                                            {"speed", spelled(item.speed)},
                                                            {"track", std::to_string(item.track)}};
    const std::string beats = spelled_beats(placed.beats), fixed = spelled_fixed(placed.beats);
    if (!beats.empty()) {
        fields.emplace_back("beats", beats);
    }
    if (!fixed.empty()) {
        fields.emplace_back("fixed", fixed);
    }
    return fields;
}

Placed recalled(const std::function<std::string(const char *name)> &field) {
    Placed placed;
    placed.key = field("key");
    placed.settings = settings_from(field("settings"));
    TimelineItem &item = placed.made_for;
    item.media_path = field("media");
    item.name = field("name");
    item.source_in = number(field("in"), longest_time);
    item.source_out = std::max(item.source_in, number(field("out"), longest_time));
    item.timeline_start = number(field("start"), longest_time);
    item.speed = ratio_from(field("speed"));
    item.track = static_cast<int>(std::max<std::int64_t>(number(field("track"), std::numeric_limits<int>::max()), 0));
    placed.beats = shown_beats_from(field("beats"), field("fixed"));
    return placed;
}

} // namespace kinescore::bridge
