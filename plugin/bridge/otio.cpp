#include "otio.hpp"

#include "ratio.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json; // keeps the order of keys

constexpr const char *track_name = "Soundtrack";
constexpr const char *our_key = "kinescore";
constexpr int deepest_nesting = 64;
constexpr double highest_frame_rate = 1000.0; // what counts faster counts samples or ticks, not frames

// ---- places in the text

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Where things are in JSON that has been parsed before, and so is known to be well formed.
class Scanner {
public:
    struct Member {
        Span key;
        Span value;
    };

    explicit Scanner(const std::string &text) : text_(text) {}

    /// The outermost value; nlohmann::json too passes over a byte order mark.
    std::size_t root() const { return skip_space(text_.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0); }

    std::vector<Member> members(std::size_t object, std::size_t most = std::string::npos) const {
        std::vector<Member> found;
        std::size_t at = skip_space(object + 1);
        while (at < text_.size() && text_[at] == '"' && found.size() < most) {
            Member member;
            member.key = {at, skip_string(at)};
            member.value.begin = skip_space(skip_space(member.key.end) + 1);
            member.value.end = skip_value(member.value.begin);
            found.push_back(member);
            at = skip_space(member.value.end);
            at = at < text_.size() && text_[at] == ',' ? skip_space(at + 1) : at;
        }
        return found;
    }

    std::vector<Span> elements(std::size_t array) const {
        std::vector<Span> found;
        std::size_t at = skip_space(array + 1);
        while (at < text_.size() && text_[at] != ']') {
            found.push_back({at, skip_value(at)});
            at = skip_space(found.back().end);
            at = at < text_.size() && text_[at] == ',' ? skip_space(at + 1) : at;
        }
        return found;
    }

    /// The value of a key; of the last one, where a key is there twice, as the parser has it.
    std::optional<Span> value(std::size_t object, const std::string &key) const {
        std::optional<Span> found;
        for (const Member &member : members(object)) {
            if (Json::parse(text_.begin() + offset(member.key.begin), text_.begin() + offset(member.key.end)) == key) {
                found = member.value;
            }
        }
        return found;
    }

    std::size_t skip_space(std::size_t at) const {
        return std::min(text_.find_first_not_of(" \t\r\n", at), text_.size());
    }

private:
    static std::ptrdiff_t offset(std::size_t at) { return static_cast<std::ptrdiff_t>(at); }

    std::size_t skip_string(std::size_t at) const {
        do {
            at = text_.find('"', at + 1);
        } while (at != std::string::npos && is_escaped(at));
        return at == std::string::npos ? text_.size() : at + 1;
    }

    /// Whether an odd number of backslashes comes before.
    bool is_escaped(std::size_t at) const {
        std::size_t first = at;
        while (first > 0 && text_[first - 1] == '\\') {
            --first;
        }
        return (at - first) % 2 == 1;
    }

    std::size_t skip_value(std::size_t at) const {
        if (text_[at] == '"') {
            return skip_string(at);
        }
        if (text_[at] != '{' && text_[at] != '[') {
            return std::min(text_.find_first_of(",]} \t\r\n", at), text_.size());
        }
        int depth = 0;
        while (at < text_.size()) {
            const char c = text_[at];
            if (c == '"') {
                at = skip_string(at);
                continue;
            }
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            ++at;
            if (depth == 0) {
                break;
            }
        }
        return at;
    }

    const std::string &text_;
};

/// Names of files may be any bytes; JSON is UTF-8.
std::string dumped(const Json &value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_utf8(const std::string &text) {
    const Json back = Json::parse(dumped(Json(text)));
    return back == text;
}

/// How a file is laid out, so that what is added looks like the rest.
class Style {
public:
    Style() = default;

    Style(const std::string &text, const Scanner &scanner) {
        const auto members = scanner.members(scanner.root(), 2);
        if (members.empty()) {
            return;
        }
        const auto between = [&](std::size_t begin, std::size_t end) { return text.substr(begin, end - begin); };
        const std::string before = between(scanner.root() + 1, members.front().key.begin);
        const std::size_t line = before.rfind('\n');
        lines_ = line != std::string::npos;
        newline_ = before.find("\r\n") != std::string::npos ? "\r\n" : "\n";
        unit_ = lines_ ? before.substr(line + 1) : "";
        colon_ = between(members.front().key.end, members.front().value.begin);
        if (!lines_ && members.size() > 1) {
            comma_ = between(members[0].value.end, members[1].key.begin);
        }
    }

    /// What comes before an element of a list or object of some depth, but for the first one's comma.
    std::string lead(int depth, bool first) const { return (first ? "" : lines_ ? "," : comma_) + line(depth); }

    std::string line(int depth) const {
        std::string text = lines_ ? newline_ : "";
        for (int level = 0; level < depth; ++level) {
            text += unit_;
        }
        return text;
    }

    std::string write(const Json &value, int depth) const {
        if (!value.is_structured() || value.empty()) {
            return dumped(value);
        }
        std::string text = value.is_object() ? "{" : "[";
        bool first = true;
        for (const auto &[key, member] : value.items()) {
            text += lead(depth + 1, first) + (value.is_object() ? dumped(Json(key)) + colon_ : "") +
                    write(member, depth + 1);
            first = false;
        }
        return text + line(depth) + (value.is_object() ? "}" : "]");
    }

private:
    bool lines_ = true;
    std::string newline_ = "\n";
    std::string unit_ = "    ";
    std::string colon_ = ": ";
    std::string comma_ = ",";
};

// ---- JSON values

/// A member, or null where there is none or it is null.
const Json *member(const Json &value, const char *name) {
    if (!value.is_object()) {
        return nullptr;
    }
    const auto found = value.find(name);
    return found == value.end() || found->is_null() ? nullptr : &*found;
}

const std::string &string_of(const Json &value, const char *name) {
    static const std::string none;
    const Json *found = member(value, name);
    return found != nullptr && found->is_string() ? found->get_ref<const std::string &>() : none;
}

Flicks flicks_in(const Json &value, const char *name) {
    constexpr auto most = static_cast<double>(longest_time);
    const Json *found = member(value, name);
    const double number = found != nullptr && found->is_number() ? found->get<double>() : 0.0;
    return std::abs(number) > most ? 0 : found == nullptr || !found->is_number() ? 0 : found->get<Flicks>();
}

/// "Clip" of "Clip.2". Old files say "Sequence" for a track and "Filler" for a gap.
std::string_view schema_of(const Json &value) {
    const std::string_view schema = string_of(value, "OTIO_SCHEMA");
    const std::string_view name = schema.substr(0, schema.find('.'));
    return name == "Sequence" ? "Track" : name == "Filler" ? "Gap" : name;
}

bool is_enabled(const Json &value) {
    const Json *enabled = member(value, "enabled");
    return enabled == nullptr || !enabled->is_boolean() || enabled->get<bool>();
}

Json time_json(double value, double rate) {
    return {{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", rate}, {"value", value}};
}

/// Frames a second: what is meant, and as the file spells it. Programs take two spellings for two rates, and resample
/// from one to the other.
struct FrameRate {
    Ratio exact{24, 1};
    double spelled = 24.0;
};

/// A range of frames of the timeline. Sounds need not be whole frames long, and values with a fraction keep their
/// length exactly; writers of whole frames (as FCP XML) round each start and end to the nearest, so that nothing drifts
/// from sound to sound.
Json range_json(Flicks length, const FrameRate &rate) {
    return {{"OTIO_SCHEMA", "TimeRange.1"},
            {"duration", time_json(frames_of(length, rate.exact), rate.spelled)},
            {"start_time", time_json(0.0, rate.spelled)}};
}

Json gap_json(Flicks length, const FrameRate &rate) {
    return {{"OTIO_SCHEMA", "Gap.1"},
            {"metadata", Json::object()},
            {"name", ""},
            {"source_range", range_json(length, rate)},
            {"effects", Json::array()},
            {"markers", Json::array()},
            {"enabled", true}};
}

Json track_json(const std::string &name) {
    return {{"OTIO_SCHEMA", "Track.1"},
            {"metadata", {{our_key, {{"track", true}}}}},
            {"name", name},
            {"source_range", nullptr},
            {"effects", Json::array()},
            {"markers", Json::array()},
            {"enabled", true},
            {"children", Json::array()},
            {"kind", "Audio"}};
}

/// What we keep of a sound with its clip; null for clips that are not ours.
const Json *our_metadata(const Json &clip) {
    const Json *metadata = schema_of(clip) == "Clip" ? member(clip, "metadata") : nullptr;
    const Json *own = metadata == nullptr ? nullptr : member(*metadata, our_key);
    return own != nullptr && !string_of(*own, "key").empty() ? own : nullptr;
}

const Json *media_reference(const Json &clip) {
    if (const Json *references = member(clip, "media_references")) {
        const std::string key = string_of(clip, "active_media_reference_key");
        return member(*references, key.empty() ? "DEFAULT_MEDIA" : key.c_str());
    }
    return member(clip, "media_reference");
}

// ---- URLs

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

int hex_digit(char c) {
    const std::size_t place =
        std::string_view("0123456789abcdef").find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    return place == std::string_view::npos ? -1 : static_cast<int>(place);
}

std::string percent_decoded(const std::string &text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool escape =
            text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0;
        decoded += escape ? static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2])) : text[at];
        at += escape ? 2 : 0;
    }
    return decoded;
}

std::string percent_encoded(const std::string &path) {
    std::string encoded;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain =
            byte < 128 && (std::isalnum(byte) != 0 || std::string_view("/-._~").find(c) != std::string_view::npos);
        if (plain) {
            encoded += c;
        } else {
            encoded += {'%', "0123456789ABCDEF"[byte / 16], "0123456789ABCDEF"[byte % 16]};
        }
    }
    return encoded;
}

/// The scheme of a URL in lower case; "" for a path. One letter is a drive of Windows.
std::string scheme_of(const std::string &url) {
    const std::size_t end = url.find_first_of(":/?#");
    return end == std::string::npos || end < 2 || url[end] != ':' ? "" : lower(url.substr(0, end));
}

/// How the media of a project are named.
enum class Naming { url, absolute, relative };

Naming naming_of(const std::string &url) {
    return !scheme_of(url).empty() ? Naming::url : url[0] == '/' ? Naming::absolute : Naming::relative;
}

/// The path of what a project refers to; "" where it is no file.
std::string path_of(const std::string &url, const std::string &folder) {
    const std::string scheme = scheme_of(url);
    if (url.empty() || (!scheme.empty() && scheme != "file")) {
        return "";
    }
    std::string path = url;
    if (scheme == "file") {
        path = url.substr(5);
        if (path.compare(0, 2, "//") == 0) {
            const std::size_t root = path.find('/', 2);
            path = root == std::string::npos ? "" : path.substr(root); // what comes before is the name of this host
        }
        path = percent_decoded(path);
    } else {
        // These are URLs by the format, but many write paths as they are: what is there on disk decides.
        std::error_code error;
        path = fs::exists(ProjectFile::absolute(path, folder), error) ? path : percent_decoded(path);
    }
    return path.empty() || path.find('\0') != std::string::npos ? "" : ProjectFile::absolute(path, folder);
}

std::string url_of(const std::string &path, const std::string &folder, Naming naming) {
    const fs::path relative = fs::path(path).lexically_relative(folder);
    const bool plain = is_utf8(path);
    if (plain && naming == Naming::relative && !relative.empty() && *relative.begin() != "..") {
        return relative.string();
    }
    return plain && naming == Naming::absolute ? path : "file://" + percent_encoded(path);
}

/// Formats tell nothing of what is in a file, so its name has to: sound and stills do not move.
bool may_be_video(const std::string &path) {
    static const std::set<std::string> still_or_sound = {".wav",  ".wave", ".aif",  ".aiff", ".aac",  ".m4a", ".mp3",
                                                         ".flac", ".ogg",  ".oga",  ".opus", ".wma",  ".mid", ".midi",
                                                         ".png",  ".jpg",  ".jpeg", ".tif",  ".tiff", ".bmp", ".exr",
                                                         ".dpx",  ".tga",  ".psd",  ".svg",  ".webp", ".gif", ".hdr"};
    return still_or_sound.count(lower(fs::path(path).extension().string())) == 0;
}

// ---- clips of a project

struct Range {
    Flicks start = 0;
    Flicks duration = 0;
};

/// Reads times and clips of a parsed project; says what is wrong with them.
class Reader {
public:
    Reader(const std::string &path, const std::string &folder, const Json &timeline)
        : path_(path), folder_(folder), timeline_(timeline) {}

    [[noreturn]] void fail(const std::string &sentence) const {
        throw Problem(Problem::Kind::input, path_ + ": " + sentence);
    }

    const Json &stack() const {
        const std::string_view schema = schema_of(timeline_);
        if (schema != "Timeline") {
            fail("holds \"" + shown(string_of(timeline_, "OTIO_SCHEMA")) +
                 "\"; it must be a \"Timeline.1\" of OpenTimelineIO");
        }
        const Json *tracks = member(timeline_, "tracks");
        if (tracks == nullptr || schema_of(*tracks) != "Stack") {
            fail("the timeline's \"tracks\" is " + (tracks == nullptr ? "missing" : met(*tracks)) +
                 "; it must be a \"Stack.1\"");
        }
        children(*tracks);
        return *tracks;
    }

    const Json &children(const Json &composition) const {
        static const Json none = Json::array();
        const Json *found = member(composition, "children");
        if (found != nullptr && !found->is_array()) {
            fail("\"children\" of " + name(composition) + " is " + met(*found) + "; it must be a list");
        }
        return found == nullptr ? none : *found;
    }

    bool is_of_kind(const Json &track, const char *kind) const {
        const Json *found = member(track, "kind");
        if (found != nullptr && !found->is_string()) {
            fail("\"kind\" of " + name(track) + " is " + met(*found) + "; it must be a text, as \"Video\"");
        }
        return schema_of(track) == "Track" &&
               (found == nullptr ? std::string("Video") : found->get<std::string>()) == kind;
    }

    /// The range's place and length; none where it is null.
    std::optional<Range> range(const Json &owner, const char *key) const {
        const Json *found = member(owner, key);
        if (found == nullptr) {
            return std::nullopt;
        }
        const Where what{owner, key};
        if (schema_of(*found) != "TimeRange") {
            fail(what.text() + " is " + met(*found) + "; it must be a \"TimeRange.1\" or null");
        }
        const Range range{time(*found, "start_time", what), time(*found, "duration", what)};
        if (range.duration < 0) {
            fail("the duration in " + what.text() + " is below 0; it must be 0 or more");
        }
        return range;
    }

    /// Where the media's own time begins: a timecode, or 0.
    std::optional<Range> available(const Json &clip) const {
        const Json *reference = media_reference(clip);
        return reference == nullptr ? std::nullopt : range(*reference, "available_range");
    }

    /// The time that something takes in its track. Transitions take none: they lie over their neighbours.
    Flicks length(const Json &item, int depth = 0) const {
        const std::string_view schema = schema_of(item);
        if (schema == "Transition") {
            return 0;
        }
        if (const auto own = range(item, "source_range")) {
            return own->duration;
        }
        if (schema == "Clip") {
            const auto media = available(item);
            if (!media) {
                fail(name(item) +
                     " has neither a \"source_range\" nor an \"available_range\" of its media; it must have one");
            }
            return media->duration;
        }
        check_depth(depth);
        Flicks sum = 0, longest = 0;
        if (schema == "Track" || schema == "Stack") {
            for (const Json &child : children(item)) {
                const Flicks length_of_child = length(child, depth + 1);
                sum = checked(sum + length_of_child);
                longest = std::max(longest, length_of_child);
            }
        }
        return schema == "Track" ? sum : longest;
    }

    /// Time of a composition at which its first child begins to count.
    Flicks trimmed(const Json &composition) const {
        const auto own = range(composition, "source_range");
        return own ? own->start : 0;
    }

    /// Frames a second of the timeline. The format has no field for it: its start has one, else its first clip of a
    /// usual rate.
    FrameRate rate() const {
        const Json *start = member(timeline_, "global_start_time");
        std::optional<FrameRate> found = start == nullptr ? std::nullopt : frame_rate(*start);
        for (const char *kind : {"Video", "Audio"}) {
            for (const Json &track : children(stack())) {
                if (!is_of_kind(track, kind)) {
                    continue;
                }
                for (const Json &item : children(track)) {
                    found = found ? found : rate_of_item(item);
                }
            }
        }
        return found.value_or(FrameRate{});
    }

    std::vector<TimelineItem> items(const Ratio &rate) const {
        std::vector<TimelineItem> found;
        Window window;
        window.rate = rate;
        const Flicks start = -trimmed(stack());
        const Flicks length_of_stack = length(stack());
        int number = 0;
        for (const Json &track : children(stack())) {
            if (is_of_kind(track, "Video")) {
                window.track = number;
                window.begin = 0;
                window.end = length_of_stack;
                walk(track, start, window, "v" + std::to_string(number), 0, found);
                ++number;
            }
        }
        return found;
    }

    Naming naming() const {
        std::optional<Naming> first;
        bool relative = false;
        for (const Json &track : children(stack())) {
            for (const Json &item : children(track)) {
                const Json *reference = our_metadata(item) != nullptr ? nullptr : media_reference(item);
                const std::string url = reference == nullptr ? "" : string_of(*reference, "target_url");
                if (!url.empty()) {
                    first = first ? first : naming_of(url);
                    relative = relative || naming_of(url) == Naming::relative;
                }
            }
        }
        return relative ? Naming::relative : first.value_or(Naming::url);
    }

    /// "clip 'one'", for sentences.
    static std::string name(const Json &item) {
        const std::string_view schema = schema_of(item);
        return (schema.empty() ? "an item" : lower(shown(std::string(schema)))) + " '" +
               shown(string_of(item, "name")) + "'";
    }

private:
    /// What a value belongs to. Said only where it is wrong: there are thousands of them.
    struct Where {
        const Json &owner;
        const char *key;

        std::string text() const { return std::string("\"") + key + "\" of " + name(owner); }
    };

    /// The part of the timeline in which a composition is seen.
    struct Window {
        Flicks begin = 0;
        Flicks end = 0;
        int track = 0;
        Ratio rate;
    };

    static std::string shown(const std::string &text) {
        constexpr std::size_t most = 80;
        if (text.size() <= most) {
            return text;
        }
        std::size_t end = most;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            --end; // not within a letter
        }
        return text.substr(0, end) + "…";
    }

    static std::string met(const Json &value) {
        return value.is_object()  ? "\"" + shown(string_of(value, "OTIO_SCHEMA")) + "\""
               : value.is_array() ? "a list"
                                  : shown(value.dump());
    }

    void check_depth(int depth) const {
        if (depth > deepest_nesting) {
            fail("stacks are nested " + std::to_string(depth) + " deep; the most is " +
                 std::to_string(deepest_nesting));
        }
    }

    Flicks checked(Flicks time) const {
        if (std::abs(time) > longest_time) {
            fail("a track is more than " + std::to_string(longest_seconds) +
                 " s long; that is the most");
        }
        return time;
    }

    double number(const Json &owner, const char *key, const Where &what) const {
        const Json *found = member(owner, key);
        if (found == nullptr || !found->is_number()) {
            fail(std::string("\"") + key + "\" in " + what.text() + " is " +
                 (found == nullptr ? "missing" : met(*found)) + "; it must be a number");
        }
        return found->get<double>();
    }

    Flicks time(const Json &range, const char *key, const Where &what) const {
        const Json *found = member(range, key);
        if (found == nullptr || schema_of(*found) != "RationalTime") {
            fail(std::string("\"") + key + "\" in " + what.text() + " is " +
                 (found == nullptr ? "missing" : met(*found)) + "; it must be a \"RationalTime.1\"");
        }
        const double rate = number(*found, "rate", what);
        const double value = number(*found, "value", what);
        if (!(rate >= 1e-3 && rate <= 1e12)) {
            fail("\"rate\" in " + what.text() + " is " + Json(rate).dump() + "; it must be from 0.001 to 1e12");
        }
        if (!(std::abs(value / rate) <= static_cast<double>(longest_seconds))) {
            fail("\"value\" in " + what.text() + " is " + Json(value).dump() + "; it must be within " +
                 std::to_string(longest_seconds) + " s");
        }
        return flicks_of_frames(value, frame_rate_of(rate));
    }

    static std::optional<FrameRate> frame_rate(const Json &time) {
        const Json *rate = member(time, "rate");
        const double number = rate != nullptr && rate->is_number() ? rate->get<double>() : 0.0;
        return number >= 1.0 && number <= highest_frame_rate ? std::optional<FrameRate>({frame_rate_of(number), number})
                                                             : std::nullopt;
    }

    static std::optional<FrameRate> rate_of_item(const Json &item) {
        const Json *range = member(item, "source_range");
        const Json *reference = range != nullptr ? nullptr : media_reference(item);
        range = reference != nullptr ? member(*reference, "available_range") : range;
        const Json *duration = range == nullptr ? nullptr : member(*range, "duration");
        return duration == nullptr ? std::nullopt : frame_rate(*duration);
    }

    /// How fast the media is played; none where it stands still or runs backwards. A warp does not change the time that
    /// an item takes on the timeline, only how much of the media is seen in it.
    std::optional<Ratio> speed(const Json &item) const {
        const Json *effects = member(item, "effects");
        double scalar = 1.0;
        if (effects != nullptr && effects->is_array()) {
            for (const Json &effect : *effects) {
                const std::string_view schema = schema_of(effect);
                if (is_enabled(effect) && schema == "LinearTimeWarp") {
                    scalar *= number(effect, "time_scalar", {item, "effects"});
                } else if (is_enabled(effect) && schema == "FreezeFrame") {
                    return std::nullopt;
                }
            }
        }
        constexpr double fastest = 1000.0;
        return scalar >= 1.0 / fastest && scalar <= fastest ? std::optional<Ratio>(simplest(scalar, 1e-9)) : std::nullopt;
    }

    void walk(const Json &item, Flicks at, Window window, const std::string &id, int depth,
              std::vector<TimelineItem> &found) const {
        const std::string_view schema = schema_of(item);
        if (!is_enabled(item)) {
            return;
        }
        if (schema == "Clip") {
            add(item, at, window, id, found);
            return;
        }
        const bool is_track = schema == "Track" && is_of_kind(item, "Video");
        check_depth(depth);
        if (!is_track && schema != "Stack") {
            return;
        }
        const auto plain = speed(item);
        if (!plain || plain->numerator != plain->denominator) {
            return; // whole compositions at another speed: too rare to be worth nested ratios
        }
        window.begin = std::max(window.begin, at);
        window.end = std::min(window.end, at + length(item, depth));
        Flicks child_at = at - trimmed(item);
        std::size_t number_of_child = 0;
        for (const Json &child : children(item)) {
            walk(child, child_at, window, id + "/" + std::to_string(number_of_child++), depth + 1, found);
            child_at = checked(child_at + (is_track ? length(child, depth + 1) : 0));
        }
    }

    /// Timelines use few media many times, and each look at the disk takes its time.
    std::string path(const std::string &url) const {
        const auto [entry, added] = paths_.try_emplace(url);
        if (added) {
            entry->second = path_of(url, folder_);
        }
        return entry->second;
    }

    void add(const Json &clip, Flicks at, const Window &window, const std::string &id,
             std::vector<TimelineItem> &found) const {
        const Json *reference = media_reference(clip);
        const std::string url = reference == nullptr || schema_of(*reference) != "ExternalReference"
                                    ? ""
                                    : string_of(*reference, "target_url");
        TimelineItem item;
        item.media_path = path(url);
        const auto own_speed = item.media_path.empty() || !may_be_video(item.media_path) ? std::nullopt : speed(clip);
        if (!own_speed || our_metadata(clip) != nullptr) {
            return;
        }
        const auto media = available(clip);
        const Range used = range(clip, "source_range").value_or(media.value_or(Range{}));
        // Ranges count in the media's own time, which may begin at a timecode. One from before that time counts from
        // the file's beginning: there is nothing else that it could mean.
        const Flicks beginning = media && used.start >= media->start ? media->start : 0;
        item.id = id;
        item.name = string_of(clip, "name");
        item.name = item.name.empty() ? fs::path(item.media_path).stem().string() : item.name;
        item.rate = window.rate;
        item.speed = *own_speed;
        item.track = window.track;
        const Flicks in = used.start - beginning;
        const Flicks before_media = in < 0 ? -on_timeline(in, item.speed) : 0;
        const Flicks hidden = std::max(window.begin - at, before_media);
        const Flicks begin = std::max<Flicks>(hidden, 0);
        const Flicks end = std::min(used.duration, window.end - at);
        item.timeline_start = at + begin;
        item.source_in = std::max<Flicks>(in + on_media(begin, item.speed), 0);
        item.source_out = in + on_media(std::max(begin, end), item.speed);
        if (item.source_out > item.source_in) {
            found.push_back(item);
        }
    }

    const std::string &path_;
    const std::string &folder_;
    const Json &timeline_;
    mutable std::unordered_map<std::string, std::string> paths_;
};

Json parsed(const std::string &path, const std::string &bytes) {
    try {
        return Json::parse(bytes);
    } catch (const Json::exception &error) {
        std::string reason = error.what();
        reason = reason.substr(std::min(reason.find("] ") + 2, reason.size()));
        throw Problem(Problem::Kind::input, path + ": is not JSON, as OpenTimelineIO must be: " + reason);
    }
}

} // namespace

// ---- tracks of ours

struct OtioProject::Model {
    /// A child of a track.
    struct Piece {
        std::string text; ///< As it is in the file; "" for what was added.
        Json json;        ///< Of what was added, and of sound of ours.
        Flicks length = 0;
        std::string id; ///< Of sound of ours.
        bool is_gap = false;
    };

    /// A track that holds sound of ours, or did.
    struct Track {
        std::optional<std::size_t> place; ///< In the stack; none for one that was added.
        Span children;                    ///< In the text.
        std::string name;
        std::vector<Piece> pieces;
        Flicks trimmed = 0;
        bool own = false; ///< There is, or was, nothing but sound of ours in it.
        bool changed = false;

        Flicks begin(std::size_t index) const {
            Flicks begin = -trimmed;
            for (std::size_t before = 0; before < index; ++before) {
                begin += pieces[before].length;
            }
            return begin;
        }

        bool is_empty() const {
            return std::all_of(pieces.begin(), pieces.end(), [](const Piece &piece) { return piece.is_gap; });
        }
    };

    struct Found {
        Track *track = nullptr;
        std::size_t index = 0;
    };

    Model(const ProjectFile &file, const Json &json);

    void read_tracks(const Reader &reader, const std::string &text);
    Track read_track(const Reader &reader, const std::string &text, const Json &track, Span span);
    Placed placed(const Piece &piece, Flicks begin) const;
    Placed placed(const Found &found) const;
    Found find(const std::string &id);
    Found find_same(const Placed &wanted);
    bool is_same(const Placed &present, const Placed &wanted) const;
    static bool is_free(const Track &track, Flicks begin, Flicks end);
    Track &track_for(Flicks begin, Flicks end, Track *preferred);
    Json clip_json(const Placed &placed, Flicks length, Json clip) const;
    Json metadata_json(const Placed &placed) const;
    void take_out(const Found &found);
    void put_in(Track &track, Flicks begin, Piece piece);
    static void tidy(Track &track);
    void take_ids(const Model &other);
    std::string children_text(const Track &track) const;
    std::string track_text(const Track &track) const;

    std::string folder;
    FrameRate rate;
    Naming naming = Naming::url;
    bool old_clips = false; ///< The file's clips are of schema 1, so its reader may know no other.
    std::vector<TimelineItem> items;
    std::vector<Track> tracks;
    Style style;
    Span stack_children;     ///< In the text.
    std::vector<Span> stack; ///< Its children in the text.
    int next_id = 0;
};

OtioProject::Model::Model(const ProjectFile &file, const Json &json) : folder(file.folder()) {
    const Reader reader(file.path(), folder, json);
    rate = reader.rate();
    items = reader.items(rate.exact);
    naming = reader.naming();
    old_clips =
        file.bytes().find("\"Clip.2\"") == std::string::npos && file.bytes().find("\"Clip.1\"") != std::string::npos;
    const Scanner scanner(file.bytes());
    style = Style(file.bytes(), scanner);
    const auto tracks_object = scanner.value(scanner.root(), "tracks");
    const auto children = scanner.value(tracks_object.value_or(Span{}).begin, "children");
    if (!children || file.bytes()[children->begin] != '[') {
        reader.fail("the stack of tracks has no \"children\"; it must have a list of tracks");
    }
    stack_children = *children;
    stack = scanner.elements(children->begin);
    if (stack.size() != reader.children(reader.stack()).size()) {
        reader.fail("the stack of tracks has its \"children\" twice; it must have them once");
    }
    read_tracks(reader, file.bytes());
}

void OtioProject::Model::read_tracks(const Reader &reader, const std::string &text) {
    const Json &children = reader.children(reader.stack());
    const Flicks trimmed = reader.trimmed(reader.stack());
    for (std::size_t index = 0; index < children.size(); ++index) {
        const Json &track = children[index];
        if (!reader.is_of_kind(track, "Audio")) {
            continue;
        }
        const Json *metadata = member(track, "metadata");
        const bool marked = metadata != nullptr && member(*metadata, our_key) != nullptr;
        const Json &list = reader.children(track);
        if (marked ||
            std::any_of(list.begin(), list.end(), [](const Json &item) { return our_metadata(item) != nullptr; })) {
            Track found = read_track(reader, text, track, stack[index]);
            found.place = index;
            found.trimmed += trimmed;
            found.own = marked;
            tracks.push_back(std::move(found));
        }
    }
    // Programs that drop a track's metadata leave those of its clips.
    for (Track &track : tracks) {
        track.own = track.own || (track.name.compare(0, std::string(track_name).size(), track_name) == 0 &&
                                  std::all_of(track.pieces.begin(), track.pieces.end(),
                                              [](const Piece &piece) { return piece.is_gap || !piece.id.empty(); }));
    }
}

OtioProject::Model::Track OtioProject::Model::read_track(const Reader &reader, const std::string &text,
                                                         const Json &track, Span span) {
    const Scanner scanner(text);
    Track found;
    found.name = string_of(track, "name");
    found.trimmed = reader.trimmed(track);
    const auto children = scanner.value(span.begin, "children");
    if (!children || text[children->begin] != '[') {
        reader.fail(Reader::name(track) + " has no \"children\"; it must have a list");
    }
    found.children = *children;
    const std::vector<Span> spans = scanner.elements(children->begin);
    const Json &list = reader.children(track);
    if (spans.size() != list.size()) {
        reader.fail(Reader::name(track) + " has its \"children\" twice; it must have them once");
    }
    for (std::size_t index = 0; index < spans.size(); ++index) {
        Piece piece;
        piece.text = text.substr(spans[index].begin, spans[index].end - spans[index].begin);
        piece.length = reader.length(list[index]);
        piece.is_gap = schema_of(list[index]) == "Gap";
        if (our_metadata(list[index]) != nullptr) {
            piece.json = list[index];
            piece.id = "s" + std::to_string(next_id++);
        }
        found.pieces.push_back(std::move(piece));
    }
    return found;
}

Placed OtioProject::Model::placed(const Piece &piece, Flicks begin) const {
    const Json &own = *our_metadata(piece.json);
    const Json *reference = media_reference(piece.json);
    Placed placed;
    placed.id = piece.id;
    placed.wav = reference == nullptr ? "" : path_of(string_of(*reference, "target_url"), folder);
    placed.key = string_of(own, "key");
    if (const Json *settings = member(own, "settings"); settings != nullptr && settings->is_object()) {
        for (const auto &[key, value] : settings->items()) {
            placed.settings[key] = value.is_string() ? value.get<std::string>() : value.dump();
        }
    }
    TimelineItem &item = placed.made_for;
    item.name = string_of(own, "name");
    item.media_path = path_of(string_of(own, "media"), folder);
    item.source_in = flicks_in(own, "in");
    item.source_out = std::max(item.source_in, flicks_in(own, "out"));
    item.timeline_start = flicks_in(own, "start");
    item.speed = ratio_from(string_of(own, "speed"));
    item.rate = rate.exact;
    item.track = static_cast<int>(std::clamp<Flicks>(flicks_in(own, "track"), 0, std::numeric_limits<int>::max()));
    // Lengths in frames cannot hold every flick.
    placed.timeline_start = is_near(begin, item.timeline_start) ? item.timeline_start : begin;
    placed.duration = is_near(piece.length, item.duration()) ? item.duration() : piece.length;
    return placed;
}

Placed OtioProject::Model::placed(const Found &found) const {
    return placed(found.track->pieces[found.index], found.track->begin(found.index));
}

OtioProject::Model::Found OtioProject::Model::find(const std::string &id) {
    for (Track &track : tracks) {
        for (std::size_t index = 0; index < track.pieces.size(); ++index) {
            if (!track.pieces[index].id.empty() && track.pieces[index].id == id) {
                return {&track, index};
            }
        }
    }
    return {};
}

OtioProject::Model::Found OtioProject::Model::find_same(const Placed &wanted) {
    for (Track &track : tracks) {
        for (std::size_t index = 0; index < track.pieces.size(); ++index) {
            const Piece &piece = track.pieces[index];
            if (!piece.id.empty() && string_of(*our_metadata(piece.json), "key") == wanted.key &&
                is_same(placed(piece, track.begin(index)), wanted)) {
                return {&track, index};
            }
        }
    }
    return {};
}

bool OtioProject::Model::is_same(const Placed &present, const Placed &wanted) const {
    const TimelineItem &a = present.made_for;
    const TimelineItem &b = wanted.made_for;
    return present.wav == wanted.wav && present.key == wanted.key && present.settings == wanted.settings &&
           is_near(present.timeline_start, wanted.timeline_start) && is_near(present.duration, wanted.duration) &&
           a.media_path == b.media_path && a.source_in == b.source_in && a.source_out == b.source_out &&
           a.timeline_start == b.timeline_start && spelled(a.speed) == spelled(b.speed) && a.name == b.name &&
           a.track == b.track;
}

bool OtioProject::Model::is_free(const Track &track, Flicks begin, Flicks end) {
    Flicks at = -track.trimmed;
    for (const Piece &piece : track.pieces) {
        const Flicks piece_end = at + piece.length;
        if (!piece.is_gap && piece.length > 0 && at < end - slack && piece_end > begin + slack) {
            return false;
        }
        at = piece_end;
    }
    return begin >= -track.trimmed;
}

OtioProject::Model::Track &OtioProject::Model::track_for(Flicks begin, Flicks end, Track *preferred) {
    if (preferred != nullptr && is_free(*preferred, begin, end)) {
        return *preferred;
    }
    std::set<std::string> names;
    for (Track &track : tracks) {
        if (track.own && is_free(track, begin, end)) {
            return track;
        }
        names.insert(track.name);
    }
    Track added;
    added.own = true;
    added.name = track_name;
    for (int number = 2; names.count(added.name) != 0; ++number) {
        added.name = std::string(track_name) + " " + std::to_string(number);
    }
    tracks.push_back(std::move(added));
    return tracks.back();
}

Json OtioProject::Model::metadata_json(const Placed &placed) const {
    Json settings = Json::object();
    for (const auto &[key, value] : placed.settings) {
        settings[key] = value;
    }
    const TimelineItem &item = placed.made_for;
    return {{"key", placed.key},
            {"settings", settings},
            {"media", url_of(item.media_path, folder, naming)},
            {"name", item.name},
            {"in", item.source_in},
            {"out", item.source_out},
            {"start", item.timeline_start},
            {"speed", spelled(item.speed)},
            {"track", item.track}};
}

/// The clip of a sound; `clip` is the one whose place it takes, with all that was done to it in an editor, or null.
Json OtioProject::Model::clip_json(const Placed &placed, Flicks length, Json clip) const {
    const Json *old_reference = clip.is_null() ? nullptr : media_reference(clip);
    // The length counts in the timeline's rate: FCP XML takes the rate of this range for that of the clip.
    Json reference = old_reference != nullptr && old_reference->is_object()
                         ? *old_reference
                         : Json{{"OTIO_SCHEMA", "ExternalReference.1"}, {"metadata", Json::object()}, {"name", ""}};
    reference["available_range"] = range_json(length, rate);
    reference["target_url"] = url_of(placed.wav, folder, naming);
    if (clip.is_null()) {
        clip = {{"OTIO_SCHEMA", old_clips ? "Clip.1" : "Clip.2"},
                {"metadata", Json::object()},
                {"name", fs::path(placed.wav).stem().string()},
                {"source_range", nullptr},
                {"effects", Json::array()},
                {"markers", Json::array()},
                {"enabled", true}};
    }
    clip["metadata"][our_key] = metadata_json(placed);
    clip["source_range"] = range_json(length, rate);
    if (clip["OTIO_SCHEMA"] == "Clip.1") {
        clip["media_reference"] = reference;
        return clip;
    }
    const std::string active = string_of(clip, "active_media_reference_key");
    const std::string key = active.empty() ? "DEFAULT_MEDIA" : active;
    if (member(clip, "media_references") == nullptr || !clip["media_references"].is_object()) {
        clip["media_references"] = Json::object();
    }
    clip["media_references"][key] = reference;
    clip["active_media_reference_key"] = key;
    return clip;
}

void OtioProject::Model::take_out(const Found &found) {
    Piece gap;
    gap.is_gap = true;
    gap.length = found.track->pieces[found.index].length;
    found.track->pieces[found.index] = std::move(gap);
    found.track->changed = true;
    tidy(*found.track);
}

void OtioProject::Model::put_in(Track &track, Flicks begin, Piece piece) {
    std::vector<Piece> pieces;
    const auto add_gap = [&](Flicks length) {
        Piece gap;
        gap.is_gap = true;
        gap.length = length;
        pieces.push_back(std::move(gap));
    };
    Flicks at = -track.trimmed;
    bool put = false;
    for (Piece &present : track.pieces) {
        const Flicks present_end = at + present.length;
        // A gap is where the sound goes if it is the first one that reaches beyond the sound's beginning.
        if (!put && present.is_gap && present_end > begin + slack) {
            const Flicks end = std::max(at, begin) + piece.length;
            add_gap(begin - at);
            pieces.push_back(std::move(piece));
            add_gap(present_end - end);
            put = true;
        } else {
            pieces.push_back(std::move(present));
        }
        at = present_end;
    }
    if (!put) {
        add_gap(begin - at);
        pieces.push_back(std::move(piece));
    }
    track.pieces = std::move(pieces);
    track.changed = true;
    tidy(track);
}

/// Joins gaps that were added with those beside them; one at the end is of no use.
void OtioProject::Model::tidy(Track &track) {
    std::vector<Piece> pieces;
    for (Piece &piece : track.pieces) {
        const bool added_gap = piece.is_gap && piece.text.empty();
        if (added_gap && piece.length <= 0) {
            continue;
        }
        if (piece.is_gap && !pieces.empty() && pieces.back().is_gap && (added_gap || pieces.back().text.empty())) {
            pieces.back().length += piece.length;
            pieces.back().text.clear();
        } else {
            pieces.push_back(std::move(piece));
        }
    }
    while (!pieces.empty() && pieces.back().is_gap && pieces.back().text.empty()) {
        pieces.pop_back();
    }
    track.pieces = std::move(pieces);
}

/// Ids of a model whose text this one was read from: its sounds come in the same order.
void OtioProject::Model::take_ids(const Model &other) {
    std::vector<std::string> ids;
    for (const Track &track : other.tracks) {
        for (const Piece &piece : track.pieces) {
            if (!piece.id.empty()) {
                ids.push_back(piece.id);
            }
        }
    }
    std::size_t next = 0;
    for (Track &track : tracks) {
        for (Piece &piece : track.pieces) {
            if (!piece.id.empty() && next < ids.size()) {
                piece.id = ids[next++];
            }
        }
    }
    next_id = std::max(next_id, other.next_id);
}

std::string OtioProject::Model::children_text(const Track &track) const {
    constexpr int depth = 5; // timeline, stack, its children, track, its children
    std::string text = "[";
    for (std::size_t index = 0; index < track.pieces.size(); ++index) {
        const Piece &piece = track.pieces[index];
        text += style.lead(depth, index == 0);
        if (!piece.text.empty()) {
            text += piece.text;
        } else {
            text += style.write(piece.is_gap ? gap_json(piece.length, rate) : piece.json, depth);
        }
    }
    return text + (track.pieces.empty() ? "" : style.line(depth - 1)) + "]";
}

std::string OtioProject::Model::track_text(const Track &track) const {
    const std::string text = style.write(track_json(track.name), 3);
    const Span children = *Scanner(text).value(0, "children");
    return text.substr(0, children.begin) + children_text(track) + text.substr(children.end);
}

// ---- timeline

bool OtioProject::is(const std::string &bytes) {
    const std::size_t first = Scanner(bytes).root();
    return first < bytes.size() && bytes[first] == '{' && bytes.find("\"OTIO_SCHEMA\"") != std::string::npos;
}

std::unique_ptr<OtioProject> OtioProject::open(const std::string &path) {
    return std::unique_ptr<OtioProject>(new OtioProject(path));
}

OtioProject::OtioProject(const std::string &path)
    : file_(path), model_(std::make_unique<Model>(file_, parsed(file_.path(), file_.bytes()))) {}

OtioProject::~OtioProject() = default;

std::vector<TimelineItem> OtioProject::items() { return model_->items; }

std::vector<Placed> OtioProject::ours() {
    std::vector<Placed> found;
    for (const Model::Track &track : model_->tracks) {
        Flicks begin = -track.trimmed;
        for (const Model::Piece &piece : track.pieces) {
            if (!piece.id.empty()) {
                found.push_back(model_->placed(piece, begin));
            }
            begin += piece.length;
        }
    }
    return found;
}

void OtioProject::place(const Placed &placed) {
    const auto present = placed.id.empty() ? model_->find_same(placed) : model_->find(placed.id);
    if (present.track == nullptr && !placed.id.empty()) {
        throw Problem(Problem::Kind::usage,
                      file_.path() + ": there is no soundtrack " + placed.id + " on the timeline");
    }
    if (placed.timeline_start < 0 || placed.duration <= 0 || !fs::path(placed.wav).is_absolute() ||
        placed.key.empty()) {
        throw Problem(Problem::Kind::usage, file_.path() + ": the sound '" + placed.wav + "' from " +
                                                std::to_string(placed.timeline_start) + ", " +
                                                std::to_string(placed.duration) +
                                                " flicks long, cannot be placed; it must have an absolute path, a key, "
                                                "a start of 0 or more and a length above 0");
    }
    if (present.track != nullptr && model_->is_same(model_->placed(present), placed)) {
        return;
    }
    const Flicks begin = to_frame_edge(placed.timeline_start, model_->rate.exact);
    const Flicks end = to_frame_edge(placed.timeline_start + placed.duration, model_->rate.exact);
    Model::Piece piece;
    piece.length = std::max<Flicks>(end - begin, 1);
    piece.id = placed.id.empty() ? "s" + std::to_string(model_->next_id++) : placed.id;
    piece.json = model_->clip_json(placed, piece.length,
                                   present.track == nullptr ? Json() : present.track->pieces[present.index].json);
    if (present.track != nullptr) {
        model_->take_out(present);
    }
    Model::Track &track = model_->track_for(begin, end, present.track);
    model_->put_in(track, begin, std::move(piece));
}

void OtioProject::remove(const std::string &placed_id) {
    const auto found = model_->find(placed_id);
    if (found.track == nullptr) {
        throw Problem(Problem::Kind::usage,
                      file_.path() + ": there is no soundtrack " + placed_id + " on the timeline");
    }
    model_->take_out(found);
}

std::string OtioProject::text() const {
    const std::string &bytes = file_.bytes();
    const auto part = [&](std::size_t begin, std::size_t end) { return bytes.substr(begin, end - begin); };
    std::vector<const Model::Track *> by_place(model_->stack.size(), nullptr);
    for (const Model::Track &track : model_->tracks) {
        if (track.place) {
            by_place[*track.place] = &track;
        }
    }
    // Each track with what comes before it, so that a track that is taken out leaves the text as it was without it.
    const auto &stack = model_->stack;
    const Span list = model_->stack_children;
    std::string text = part(0, list.begin) + "[";
    bool first = true;
    for (std::size_t index = 0; index < stack.size(); ++index) {
        const Model::Track *track = by_place[index];
        if (track != nullptr && track->changed && track->own && track->is_empty()) {
            continue;
        }
        text += first ? part(list.begin + 1, stack[0].begin) : part(stack[index - 1].end, stack[index].begin);
        first = false;
        if (track != nullptr && track->changed) {
            text += part(stack[index].begin, track->children.begin) + model_->children_text(*track) +
                    part(track->children.end, stack[index].end);
        } else {
            text += part(stack[index].begin, stack[index].end);
        }
    }
    for (const Model::Track &track : model_->tracks) {
        if (!track.place && !track.is_empty()) {
            text += model_->style.lead(3, first) + model_->track_text(track);
            first = false;
        }
    }
    const bool was_empty = stack.empty();
    const std::string tail = was_empty ? model_->style.line(2) : part(stack.back().end, list.end - 1);
    return text + (first ? "" : tail) + part(list.end - 1, bytes.size());
}

void OtioProject::check_writable() { file_.check_writable({}); }

void OtioProject::save() {
    const std::string changed = text();
    if (changed != file_.bytes()) {
        file_.write(changed, {});
        auto read = std::make_unique<Model>(file_, parsed(file_.path(), file_.bytes()));
        read->take_ids(*model_);
        model_ = std::move(read);
    }
}

std::string OtioProject::sound_folder() const { return file_.sound_folder(); }

} // namespace kinescore::bridge
