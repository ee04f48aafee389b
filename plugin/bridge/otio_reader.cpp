#include "otio_reader.hpp"

#include "fitness.hpp"
#include "ratio.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace kinescore::bridge::otio {

namespace fs = std::filesystem;

namespace {

constexpr int deepest_nesting = 64;
constexpr double highest_frame_rate = 1000.0; // a higher rate counts samples or ticks, not frames

} // namespace

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

std::string media_path_of(const std::string &url, const std::string &folder) {
    const std::string path = path_of(url, folder);
    return path.empty() ? url : path;
}

namespace {

/// Adds the timelines of a file in their order, including those of nested collections.
void add_timelines(const Json &value, std::vector<std::size_t> &way, std::vector<Chosen> &found) {
    if (schema_of(value) == "Timeline") {
        found.push_back({&value, way});
    }
    const Json *children = schema_of(value) == "SerializableCollection" ? member(value, "children") : nullptr;
    if (children == nullptr || !children->is_array() || way.size() >= deepest_nesting) {
        return;
    }
    for (std::size_t place = 0; place < children->size(); ++place) {
        way.push_back(place);
        add_timelines((*children)[place], way, found);
        way.pop_back();
    }
}

} // namespace

Chosen choose(const std::string &path, const Json &file, const std::string &wanted) {
    std::vector<Chosen> found;
    std::vector<std::size_t> way;
    add_timelines(file, way, found);
    if (found.empty()) {
        return {&file, {}}; // which is refused with its type
    }
    if (wanted.empty() && found.size() == 1) {
        return found.front();
    }
    std::vector<Chosen> fitting;
    std::string names;
    for (std::size_t place = 0; place < found.size(); ++place) {
        const std::string &name = string_of(*found[place].timeline, "name");
        if (!wanted.empty() && name == wanted) {
            fitting.push_back(found[place]);
        }
        if (place < 10) {
            names += (place == 0 ? "" : ", ") + std::to_string(place + 1) + " '" + name + "'";
        }
    }
    names += found.size() > 10 ? ", …" : "";
    const auto number = whole_number(wanted);
    if (fitting.empty() && number && *number >= 1 && *number <= static_cast<std::int64_t>(found.size())) {
        fitting.push_back(found[static_cast<std::size_t>(*number) - 1]);
    }
    if (fitting.size() == 1) {
        return fitting.front();
    }
    const std::string has = path + ": has " + std::to_string(found.size()) + " timeline" +
                            (found.size() == 1 ? "" : "s") + " (" + names + ")";
    throw Problem(wanted.empty() ? Problem::Kind::choice : Problem::Kind::usage,
                  wanted.empty()    ? has + ", and one has to be chosen, by its name or number"
                  : fitting.empty() ? has + ", and no timeline is named or numbered \"" + wanted + "\""
                                    : has + ", and " + std::to_string(fitting.size()) + " are named \"" + wanted +
                                          "\": choose one by its number");
}

void Reader::fail(const std::string &sentence) const {
    throw Problem(Problem::Kind::input, path_ + ": " + sentence);
}

const Json &Reader::stack() const {
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

const Json &Reader::children(const Json &composition) const {
    static const Json none = Json::array();
    const Json *found = member(composition, "children");
    if (found != nullptr && !found->is_array()) {
        fail("\"children\" of " + name(composition) + " is " + met(*found) + "; it must be a list");
    }
    return found == nullptr ? none : *found;
}

bool Reader::is_of_kind(const Json &track, const char *kind) const {
    const Json *found = member(track, "kind");
    if (found != nullptr && !found->is_string()) {
        fail("\"kind\" of " + name(track) + " is " + met(*found) + "; it must be a text, as \"Video\"");
    }
    return schema_of(track) == "Track" &&
           (found == nullptr ? std::string("Video") : found->get<std::string>()) == kind;
}

std::optional<Range> Reader::range(const Json &owner, const char *key) const {
    const Json *found = member(owner, key);
    if (found == nullptr) {
        return std::nullopt;
    }
    const Where what{owner, key};
    if (schema_of(*found) != "TimeRange") {
        fail(what.text() + " is " + met(*found) + "; it must be a \"TimeRange.1\" or null");
    }
    const auto start = time(*found, "start_time", what);
    const auto duration = time(*found, "duration", what);
    const Range range{start.value_or(0), duration.value_or(0), start && duration};
    if (range.duration < 0) {
        fail("the duration in " + what.text() + " is below 0; it must be 0 or more");
    }
    return range;
}

std::optional<Range> Reader::available(const Json &clip) const {
    const Json *reference = media_reference(clip);
    return reference == nullptr ? std::nullopt : range(*reference, "available_range");
}

bool Reader::is_cut(const Json &clip) const {
    const auto used = range(clip, "source_range");
    const auto media = available(clip);
    return used && used->is_known && !is_near(used->start, media && media->is_known ? media->start : 0);
}

Flicks Reader::length(const Json &item, int depth) const {
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

Flicks Reader::trimmed(const Json &composition) const {
    const auto own = range(composition, "source_range");
    return own ? own->start : 0;
}

FrameRate Reader::rate() const {
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

std::vector<TimelineItem> Reader::items(const Ratio &rate) const {
    std::vector<TimelineItem> found;
    SeenRange window;
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

Naming Reader::naming() const {
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

std::string Reader::name(const Json &item) {
    const std::string_view schema = schema_of(item);
    return (schema.empty() ? "an item" : lower(shown(std::string(schema)))) + " '" +
           shown(string_of(item, "name")) + "'";
}

std::string Reader::met(const Json &value) {
    return value.is_object()  ? "\"" + shown(string_of(value, "OTIO_SCHEMA")) + "\""
           : value.is_array() ? "a list"
                              : shown(value.dump());
}

void Reader::check_depth(int depth) const {
    if (depth > deepest_nesting) {
        fail("stacks are nested " + std::to_string(depth) + " deep; the maximum is " +
             std::to_string(deepest_nesting));
    }
}

Flicks Reader::checked(Flicks time) const {
    if (std::abs(time) > longest_time) {
        fail("a track is more than " + std::to_string(longest_seconds) +
             " s long, which is the maximum");
    }
    return time;
}

double Reader::number(const Json &owner, const char *key, const Where &what) const {
    const Json *found = member(owner, key);
    if (const auto place = owner.find(key); found == nullptr && place != owner.end()) {
        return std::nan(""); // null: infinite, or not a number
    }
    if (found == nullptr || !found->is_number()) {
        fail(std::string("\"") + key + "\" in " + what.text() + " is " +
             (found == nullptr ? "missing or not a number" : met(*found)) + "; it must be a number");
    }
    return found->get<double>();
}

std::optional<Flicks> Reader::time(const Json &range, const char *key, const Where &what) const {
    const Json *found = member(range, key);
    if (found == nullptr || schema_of(*found) != "RationalTime") {
        fail(std::string("\"") + key + "\" in " + what.text() + " is " +
             (found == nullptr ? "missing" : met(*found)) + "; it must be a \"RationalTime.1\"");
    }
    const double rate = number(*found, "rate", what);
    const double value = number(*found, "value", what);
    if (std::isnan(rate) || std::isnan(value)) {
        return std::nullopt;
    }
    if (!(rate >= 1e-3 && rate <= 1e12)) {
        fail("\"rate\" in " + what.text() + " is " + Json(rate).dump() + "; it must be from 0.001 to 1e12");
    }
    if (!(std::abs(value / rate) <= static_cast<double>(longest_seconds))) {
        fail("\"value\" in " + what.text() + " is " + Json(value).dump() + "; it must be within " +
             std::to_string(longest_seconds) + " s");
    }
    return flicks_of_frames(value, frame_rate_of(rate));
}

std::optional<FrameRate> Reader::frame_rate(const Json &time) {
    const Json *rate = member(time, "rate");
    const double number = rate != nullptr && rate->is_number() ? rate->get<double>() : 0.0;
    return number >= 1.0 && number <= highest_frame_rate ? std::optional<FrameRate>({frame_rate_of(number), number})
                                                         : std::nullopt;
}

std::optional<FrameRate> Reader::rate_of_item(const Json &item) {
    const Json *range = member(item, "source_range");
    const Json *reference = range != nullptr ? nullptr : media_reference(item);
    range = reference != nullptr ? member(*reference, "available_range") : range;
    const Json *duration = range == nullptr ? nullptr : member(*range, "duration");
    return duration == nullptr ? std::nullopt : frame_rate(*duration);
}

Reader::Speed Reader::speed(const Json &item) const {
    const Json *effects = member(item, "effects");
    double scalar = 1.0;
    bool is_frozen = false;
    if (effects != nullptr && effects->is_array()) {
        for (const Json &effect : *effects) {
            const std::string_view schema = schema_of(effect);
            if (is_enabled(effect) && schema == "LinearTimeWarp") {
                scalar *= number(effect, "time_scalar", {item, "effects"});
            } else if (is_enabled(effect) && schema == "FreezeFrame") {
                is_frozen = true;
            }
        }
    }
    constexpr double fastest = 1000.0;
    if (std::isnan(scalar)) {
        return {{}, "it is played at a speed that is not a number"};
    }
    if (is_frozen || scalar == 0.0) {
        return {{}, "it stands still"};
    }
    if (scalar < 0.0) {
        return {{}, "it is played backwards"};
    }
    if (!(scalar >= 1.0 / fastest && scalar <= fastest)) {
        return {{}, why_wrong_speed(scalar)};
    }
    return {simplest(scalar, 1e-9), ""};
}

void Reader::walk(const Json &item, Flicks at, SeenRange window, const std::string &id, int depth,
          std::vector<TimelineItem> &found) const {
    const std::string_view schema = schema_of(item);
    if (!is_enabled(item)) {
        window.unfit = "it is switched off";
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
    // Whole compositions at another speed are too rare to justify nested ratios.
    const Speed own = speed(item);
    if (window.unfit.empty() && (!own.unfit.empty() || own.ratio.numerator != own.ratio.denominator)) {
        window.unfit = "the " + lower(std::string(schema)) + " around it is not played at its own speed";
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

std::string Reader::path(const std::string &url) const {
    const auto [entry, added] = paths_.try_emplace(url);
    if (added) {
        entry->second = media_path_of(url, folder_);
    }
    return entry->second;
}

std::optional<Reader::Media> Reader::media_of(const Json &clip) const {
    const Json *reference = media_reference(clip);
    const std::string_view schema = reference == nullptr ? "" : schema_of(*reference);
    if (schema == "GeneratorReference") {
        return std::nullopt;
    }
    if (schema == "ImageSequenceReference") {
        return Media{string_of(*reference, "target_url_base"), "it is a sequence of stills, not a video"};
    }
    const std::string url = schema == "ExternalReference" ? string_of(*reference, "target_url") : "";
    if (url.empty()) {
        return Media{"", "the project does not say where its media is"};
    }
    const Looks looks = looks_of(url);
    if (looks == Looks::like_sound || looks == Looks::like_still) {
        return std::nullopt;
    }
    const std::string found = path(url);
    if (looks == Looks::like_project) {
        return Media{found, "it is a nested project; open that one"};
    }
    if (found != url || fs::path(url).is_absolute()) {
        return Media{found, ""};
    }
    return Media{url, why_not_here(url), true};
}

void Reader::add(const Json &clip, Flicks at, const SeenRange &window, const std::string &id,
         std::vector<TimelineItem> &found) const {
    const auto reference = our_metadata(clip) != nullptr ? std::nullopt : media_of(clip);
    if (!reference) {
        return;
    }
    const Speed own_speed = speed(clip);
    const auto own = range(clip, "source_range");
    auto media = available(clip);
    if (own && media && !media->is_known) {
        media.reset(); // if the clip contains the range that it uses, nothing is lost
    }
    const Range used = own.value_or(media.value_or(Range{}));
    // Ranges are in the media's own time, which may begin at a timecode. A range before that
    // timecode can only be counted from the file's beginning.
    const Flicks beginning = media && used.start >= media->start ? media->start : 0;
    TimelineItem item;
    item.id = id;
    item.media_path = reference->path;
    item.name = string_of(clip, "name");
    item.name = item.name.empty() ? fs::path(file_name_of(item.media_path)).stem().string() : item.name;
    item.rate = window.rate;
    item.speed = own_speed.ratio;
    item.track = window.track;
    const Flicks in = used.start - beginning;
    const Flicks before_media = in < 0 ? -on_timeline(in, item.speed) : 0;
    const bool is_behind = media && used.start >= media->start && media->duration > 0 && in >= media->duration;
    const bool is_outside = is_behind || before_media >= used.duration;
    const bool is_placed = used.is_known;
    const std::string elsewhere = reference->is_elsewhere ? reference->unfit : "";
    for (const std::string &reason : {window.unfit, reference->is_elsewhere ? "" : reference->unfit, own_speed.unfit,
                                      std::string(is_placed ? "" : "its times are infinite, or not numbers"),
                                      std::string(is_outside && is_placed ? "it lies outside of its media" : ""),
                                      elsewhere}) {
        item.unfit = item.unfit.empty() ? reason : item.unfit;
    }
    item.is_elsewhere = !elsewhere.empty() && item.unfit == elsewhere;
    const Flicks hidden = std::max(window.begin - at, item.unfit.empty() || item.is_elsewhere ? before_media : 0);
    const Flicks begin = std::max<Flicks>(hidden, 0);
    const Flicks end = std::min(used.duration, window.end - at);
    item.timeline_start = at + begin;
    item.source_in = std::max<Flicks>(in + on_media(begin, item.speed), 0);
    item.source_out = std::max(in + on_media(std::max(begin, end), item.speed), item.source_in);
    if (item.source_out > item.source_in || (!item.unfit.empty() && (begin < end || !is_placed))) {
        found.push_back(item);
    }
}

} // namespace kinescore::bridge::otio
