#include "mlt_timeline.hpp"

#include "ratio.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr const char *media_property = "kinescore:media";
constexpr const char *ends_property = "kinescore:ends";
constexpr Frames unknown = -1;
constexpr const char *track_title = "Soundtrack";

std::optional<std::int64_t> whole_number(const std::string &text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::int64_t number_or(const std::string &text, std::int64_t otherwise) {
    return whole_number(text).value_or(otherwise);
}

std::vector<std::string> parts_of(const std::string &text, char mark) {
    std::vector<std::string> parts{""};
    for (const char character : text) {
        if (character == mark) {
            parts.emplace_back();
        } else {
            parts.back() += character;
        }
    }
    return parts;
}

/// Pairs as one text: key=value;key=value. What would be taken for a mark is written as % and two digits.
std::string joined(const std::map<std::string, std::string> &pairs) {
    const auto safe = [](const std::string &text) {
        std::string result;
        for (const char character : text) {
            const auto byte = static_cast<unsigned char>(character);
            if (std::strchr("%;=", character) || byte < 0x20) {
                std::array<char, 4> code{};
                std::snprintf(code.data(), code.size(), "%%%02X", byte);
                result += code.data();
            } else {
                result += character;
            }
        }
        return result;
    };
    std::string text;
    for (const auto &[key, value] : pairs) {
        text += (text.empty() ? "" : ";") + safe(key) + "=" + safe(value);
    }
    return text;
}

std::map<std::string, std::string> separated(const std::string &text) {
    const auto plain = [](const std::string &safe) {
        std::string result;
        for (std::size_t at = 0; at < safe.size(); ++at) {
            unsigned code = 0;
            const char *digits = safe.data() + at + 1;
            if (safe[at] == '%' && at + 2 < safe.size() &&
                std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
                result += static_cast<char>(code);
                at += 2;
            } else {
                result += safe[at];
            }
        }
        return result;
    };
    std::map<std::string, std::string> pairs;
    for (const std::string &part : parts_of(text, ';')) {
        const std::size_t equals = part.find('=');
        if (equals != std::string::npos) {
            pairs[plain(part.substr(0, equals))] = plain(part.substr(equals + 1));
        }
    }
    return pairs;
}

/// Suffixes of what has no moving picture, for producers that tell nothing of their streams.
bool has_suffix_of_video(const std::string &path) {
    static const std::set<std::string> others{".wav", ".mp3",  ".flac", ".ogg", ".oga",  ".opus", ".m4a", ".aac",
                                              ".aif", ".aiff", ".wma",  ".mka", ".ac3",  ".png",  ".jpg", ".jpeg",
                                              ".bmp", ".tif",  ".tiff", ".svg", ".webp", ".mlt",  ".xml", ".kdenlive"};
    std::string suffix = fs::path(path).extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return others.count(suffix) == 0;
}

bool is_service(const std::string &name) {
    return name == "producer" || name == "chain" || name == "playlist" || name == "tractor" || name == "multitrack";
}

/// "Soundtrack" or "Soundtrack 2".
bool is_own_title(const std::string &title) {
    const std::string own = track_title;
    return title == own ||
           (title.compare(0, own.size() + 1, own + " ") == 0 && whole_number(title.substr(own.size() + 1)));
}

} // namespace

std::optional<Frames> MltClock::read(const std::string &text) const {
    const std::size_t mark = text.find_last_of(":;");
    if (mark == std::string::npos) {
        const auto frames = whole_number(text);
        return frames && *frames >= 0 && *frames < 1'000'000'000 ? frames : std::nullopt;
    }
    std::string fields = text;
    std::replace(fields.begin(), fields.end(), ';', ':');
    std::vector<std::string> parts = parts_of(fields, ':');
    const std::string last = parts.back();
    const bool is_clock = last.find_first_of(".,") != std::string::npos;
    std::vector<std::int64_t> numbers(is_clock ? 3 : 4, 0);
    if (parts.size() > numbers.size()) {
        return std::nullopt;
    }
    for (std::size_t part = 0; part + (is_clock ? 1 : 0) < parts.size(); ++part) {
        const auto number = parts[part].empty() ? std::optional<std::int64_t>(0) : whole_number(parts[part]);
        if (!number || *number < 0 || *number > 1'000'000) {
            return std::nullopt;
        }
        numbers[numbers.size() - parts.size() + part] = *number;
    }
    // MLT rounds down the frames of whole hours and minutes, each on its own.
    const auto whole = [&](std::int64_t seconds) { return Wide(seconds) * rate_.numerator / rate_.denominator; };
    const Wide minutes = whole(numbers[0] * 3600) + whole(numbers[1] * 60);
    if (!is_clock) {
        const Wide seconds = (Wide(numbers[2]) * rate_.numerator + rate_.denominator - 1) / rate_.denominator;
        return static_cast<Frames>(minutes + seconds + numbers[3]);
    }
    const std::size_t point = last.find_first_of(".,");
    const auto seconds = point == 0 ? std::optional<std::int64_t>(0) : whole_number(last.substr(0, point));
    const std::string fraction = last.substr(point + 1, 9);
    const auto part = fraction.empty() ? std::optional<std::int64_t>(0) : whole_number(fraction);
    if (!seconds || !part || *seconds < 0 || *part < 0 || *seconds > 1'000'000) {
        return std::nullopt;
    }
    Wide unit = 1;
    for (std::size_t digit = 0; digit < fraction.size(); ++digit) {
        unit *= 10;
    }
    const Wide fine = Wide(*seconds) * unit + *part;
    return static_cast<Frames>(minutes) + rounded_to_even(fine * rate_.numerator, unit * rate_.denominator);
}

std::string MltClock::clock(Frames frames) const {
    const auto whole = [&](Frames seconds) {
        return static_cast<Frames>(Wide(seconds) * rate_.numerator / rate_.denominator);
    };
    const auto take = [&](Frames seconds) {
        const auto unit = Wide(seconds) * rate_.numerator;
        auto count = static_cast<Frames>(Wide(frames) * rate_.denominator / unit);
        while (whole((count + 1) * seconds) <= frames) {
            ++count;
        }
        frames -= whole(count * seconds);
        return count;
    };
    const Frames hours = take(3600);
    const Frames minutes = take(60);
    const auto thousandths = scaled(frames, Wide(rate_.denominator) * 1000, rate_.numerator);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld%c%03lld", static_cast<long long>(hours),
                  static_cast<long long>(minutes), static_cast<long long>(thousandths / 1000), point_,
                  static_cast<long long>(thousandths % 1000));
    return text.data();
}

std::string MltClock::write(Frames frames) const {
    if (point_ != '\0') {
        const std::string text = clock(frames);
        if (read(text) == frames) {
            return text;
        }
    }
    return std::to_string(frames); // which MLT reads whatever else the project has
}

void MltClock::write_like(const std::string &sample) {
    const std::size_t mark = sample.rfind(':');
    const std::size_t point = sample.find_last_of(".,");
    point_ = mark != std::string::npos && point != std::string::npos && point > mark ? sample[point] : '\0';
}

Flicks MltClock::flicks(Frames frames) const { return flicks_of_frames(frames, rate_); }

Frames MltClock::nearest(Flicks flicks) const { return nearest_frame(flicks, rate_); }

MltTimeline::MltTimeline(ProjectFile file, std::vector<std::string> editors)
    : file_(std::move(file)), text_(file_.bytes(), file_.path()), editors_(std::move(editors)) {
    const pugi::xml_node root = text_.root();
    if (std::string(root.name()) != "mlt") {
        throw Problem(Problem::Kind::input, file_.path() + ": is no project of MLT: its outermost element is <" +
                                                root.name() + ">, and should be <mlt>");
    }
    const pugi::xml_node profile = root.child("profile");
    const std::string numerator = profile.attribute("frame_rate_num").value();
    const std::string denominator = profile.attribute("frame_rate_den").as_string("1");
    const Ratio rate{number_or(numerator, 0), number_or(denominator, 0)};
    if (profile && (rate.numerator < 1 || rate.denominator < 1 || rate.numerator > 1'000'000'000 ||
                    rate.denominator > 1'000'000'000 || rate.numerator / rate.denominator > 1000)) {
        throw Problem(Problem::Kind::input, file_.path() + ": its frame rate is " + numerator + "/" + denominator +
                                                ", and should be above 0 and 1000 at most");
    }
    // MLT takes 25 frames a second where there is no profile.
    clock_ = MltClock(profile ? rate : Ratio{25, 1});
    const std::string root_folder = root.attribute("root").value();
    root_ = root_folder.empty() ? file_.folder() : ProjectFile::absolute(root_folder, file_.folder());
    index();
}

void MltTimeline::index() {
    services_.clear();
    ids_.clear();
    has_chains_ = false;
    std::string sample;
    std::vector<pugi::xml_node> waiting{text_.root()};
    while (!waiting.empty()) {
        const pugi::xml_node element = waiting.back();
        waiting.pop_back();
        const std::string name = element.name();
        if (is_service(name) && element.attribute("id")) {
            services_.emplace(element.attribute("id").value(), element);
        }
        has_chains_ = has_chains_ || name == "chain";
        ids_.insert(element.attribute("id").value());
        if (sample.empty() && (name == "entry" || name == "tractor")) {
            sample = element.attribute("out").value();
        }
        std::vector<pugi::xml_node> inner;
        for (const pugi::xml_node child : element.children()) {
            if (child.type() == pugi::node_element && std::strcmp(child.name(), "property") != 0) {
                inner.push_back(child);
            }
        }
        waiting.insert(waiting.end(), inner.rbegin(), inner.rend()); // so that the first in the text comes first
    }
    clock_.write_like(sample);
}

void MltTimeline::apply() {
    text_.apply();
    index();
    indexed();
}

void MltTimeline::append(pugi::xml_node parent, const std::string &lines) {
    pugi::xml_node last;
    for (const pugi::xml_node child : parent.children()) {
        last = child.type() == pugi::node_element ? child : last;
    }
    last ? text_.insert_after(last, lines) : text_.insert_first(parent, lines);
}

std::string MltTimeline::entry_start(const std::string &producer, Frames length) const {
    return "<entry producer=\"" + producer + "\" in=\"" + clock_.write(0) + "\" out=\"" + clock_.write(length - 1) + "\"";
}

bool MltTimeline::is_named(pugi::xml_node element, const char *name) { return std::strcmp(element.name(), name) == 0; }

pugi::xml_node MltTimeline::property_node(pugi::xml_node element, const char *name) {
    return element.find_child_by_attribute("property", "name", name);
}

std::string MltTimeline::property(pugi::xml_node element, const char *name) {
    return property_node(element, name).text().get();
}

pugi::xml_node MltTimeline::service(const std::string &id) const {
    const auto found = services_.find(id);
    return found == services_.end() ? pugi::xml_node() : found->second;
}

std::string MltTimeline::free_id(const std::string &stem, const std::string &but_not) const {
    for (std::size_t number = 0;; ++number) {
        const std::string id = stem + std::to_string(number);
        if (ids_.count(id) == 0 && id != but_not) {
            return id;
        }
    }
}

std::vector<pugi::xml_node> MltTimeline::tracks_of(pugi::xml_node tractor) {
    std::vector<pugi::xml_node> tracks;
    const pugi::xml_node inner = tractor.child("multitrack");
    for (const pugi::xml_node track : (inner ? inner : tractor).children("track")) {
        tracks.push_back(track);
    }
    return tracks;
}

pugi::xml_node MltTimeline::played_by(pugi::xml_node element) const {
    if (const pugi::xml_node named = service(element.attribute("producer").value())) {
        return named;
    }
    return element.find_child([](pugi::xml_node child) { return is_service(child.name()); });
}

std::optional<Frames> MltTimeline::attribute_time(pugi::xml_node element, const char *name) const {
    return clock_.read(element.attribute(name).value());
}

std::optional<Frames> MltTimeline::length_of(pugi::xml_node producer) const {
    const Frames in = attribute_time(producer, "in").value_or(0);
    if (const auto out = attribute_time(producer, "out")) {
        return *out - in + 1;
    }
    if (const auto length = clock_.read(property(producer, "length"))) {
        return *length - in;
    }
    return std::nullopt;
}

std::vector<Piece> MltTimeline::pieces(pugi::xml_node playlist) const {
    std::vector<Piece> all;
    Frames at = 0;
    for (const pugi::xml_node node : playlist.children()) {
        const bool is_blank = std::strcmp(node.name(), "blank") == 0;
        if (!is_blank && std::strcmp(node.name(), "entry") != 0) {
            continue;
        }
        Piece piece;
        piece.node = node;
        piece.is_blank = is_blank;
        piece.start = at;
        if (is_blank) {
            piece.length = attribute_time(node, "length").value_or(unknown);
        } else {
            piece.producer = played_by(node);
            piece.in = attribute_time(node, "in").value_or(0);
            const Frames whole = length_of(piece.producer).value_or(unknown);
            piece.length = attribute_time(node, "out").value_or(whole - 1) - piece.in + 1;
        }
        if (piece.length < 0) {
            break; // where anything behind it begins cannot be known
        }
        at += piece.length;
        all.push_back(piece);
    }
    return all;
}

pugi::xml_node MltTimeline::stand_in(pugi::xml_node) const { return {}; }

void MltTimeline::resized(const std::string &, Frames) {}

bool MltTimeline::is_ours(pugi::xml_node producer) const {
    return producer &&
           (!property(producer, "kinescore:key").empty() || !property(stand_in(producer), "kinescore:key").empty());
}

std::string MltTimeline::absolute(const std::string &resource) const {
    const std::string path = ProjectFile::absolute(resource, root_);
    std::error_code error;
    if (!fs::exists(path, error)) {
        // A project that was moved still names the folder that it came from; editors look beside it too.
        const std::string beside = ProjectFile::absolute(resource, file_.folder());
        return fs::exists(beside, error) ? beside : path;
    }
    return path;
}

std::string MltTimeline::path_for_project(const std::string &path) const {
    const fs::path relative = fs::path(path).lexically_relative(root_);
    std::error_code error;
    const bool is_beneath = !relative.empty() && *relative.begin() != ".." && fs::exists(root_, error);
    return is_beneath ? relative.string() : path;
}

/// The video that a producer shows, if it does.
std::optional<MltTimeline::Media> MltTimeline::video_of(pugi::xml_node producer) const {
    const std::string service = property(producer, "mlt_service");
    std::string resource = property(producer, "resource");
    Media media;
    if (service == "timewarp") {
        const std::size_t colon = resource.find(':');
        const std::string speed = property(producer, "warp_speed");
        const auto ratio = decimal(speed.empty() ? resource.substr(0, colon) : speed);
        if (!ratio || colon == std::string::npos) {
            return std::nullopt; // played backwards, too
        }
        media.speed = *ratio;
        const std::string warped = property(producer, "warp_resource");
        resource = warped.empty() ? resource.substr(colon + 1) : warped;
    } else if (!service.empty() && service != "avformat" && service != "avformat-novalidate") {
        return std::nullopt;
    }
    for (const pugi::xml_node link : producer.children("link")) {
        if (property(link, "mlt_service") == "timeremap" && property(link, "disable") != "1") {
            return std::nullopt; // its speed changes on the way
        }
    }
    // A proxy is shown while one edits; the clip itself is another file.
    const std::string proxy = property(producer, "kdenlive:proxy");
    const std::string original =
        property(producer, proxy.size() > 1 ? "kdenlive:originalurl" : "shotcut:originalResource");
    if (!original.empty() && (proxy.size() > 1 || property(producer, "shotcut:proxy") == "1")) {
        resource = original;
    }
    for (const std::string prefix : {"avformat-novalidate:", "avformat:", "file://"}) {
        if (resource.compare(0, prefix.size(), prefix) == 0) {
            resource = resource.substr(prefix.size());
        }
    }
    bool tells_streams = false, has_video = false;
    for (const pugi::xml_node node : producer.children("property")) {
        const std::string name = node.attribute("name").value();
        if (name.compare(0, 11, "meta.media.") == 0 && name.size() > 12 &&
            name.compare(name.size() - 12, 12, ".stream.type") == 0) {
            tells_streams = true;
            has_video = has_video || std::strcmp(node.text().get(), "video") == 0;
        }
    }
    const bool is_hidden = property(producer, "video_index") == "-1" || property(producer, "vstream") == "-1" ||
                           property(producer, "set.test_image") == "1";
    if (resource.empty() || resource.find("://") != std::string::npos || is_hidden || (tells_streams && !has_video) ||
        !has_suffix_of_video(resource)) {
        return std::nullopt;
    }
    media.path = absolute(resource);
    return media;
}

std::optional<TimelineItem> MltTimeline::item_of(const Lane &lane, const Piece &piece, std::size_t number) const {
    if (piece.is_blank || !piece.producer || piece.length < 1 || is_ours(piece.producer)) {
        return std::nullopt;
    }
    const std::string kind = piece.producer.name();
    const auto media = kind == "producer" || kind == "chain" ? video_of(piece.producer) : std::nullopt;
    if (!media) {
        return std::nullopt;
    }
    // A producer that is cut itself counts its entries from there.
    const Frames in = attribute_time(piece.producer, "in").value_or(0) + piece.in;
    TimelineItem item;
    item.id = std::to_string(lane.video + 1) + "." + std::to_string(number);
    item.name = fs::path(media->path).filename().string();
    for (const char *title : {"kdenlive:clipname", "shotcut:caption"}) {
        const std::string given = property(piece.producer, title);
        item.name = given.empty() ? item.name : given;
    }
    item.media_path = media->path;
    item.source_in = on_media(clock_.flicks(in), media->speed);
    item.source_out = on_media(clock_.flicks(in + piece.length), media->speed);
    item.timeline_start = clock_.flicks(piece.start);
    item.rate = clock_.rate();
    item.speed = media->speed;
    item.track = lane.video;
    return item;
}

std::vector<TimelineItem> MltTimeline::items() {
    std::map<int, std::vector<std::pair<Lane, Piece>>> tracks;
    for (const Lane &lane : lanes()) {
        if (lane.video >= 0) {
            for (const Piece &piece : pieces(lane.playlist)) {
                tracks[lane.video].emplace_back(lane, piece);
            }
        }
    }
    std::vector<TimelineItem> all;
    for (auto &[video, found] : tracks) {
        std::stable_sort(found.begin(), found.end(),
                         [](const auto &a, const auto &b) { return a.second.start < b.second.start; });
        std::size_t number = 1;
        for (const auto &[lane, piece] : found) {
            if (auto item = item_of(lane, piece, number)) {
                all.push_back(std::move(*item));
                ++number;
            }
        }
    }
    return all;
}

std::vector<MltTimeline::Sound> MltTimeline::sounds() const {
    std::vector<Sound> all;
    for (const Lane &lane : lanes()) {
        for (const Piece &piece : pieces(lane.playlist)) {
            if (!piece.is_blank && is_ours(piece.producer)) {
                all.push_back({lane, piece});
            }
        }
    }
    return all;
}

/// The producer's id; where a sound was cut in two, or copied, each is told by its place as well.
std::string MltTimeline::id_of(const Sound &sound, const std::vector<Sound> &all) {
    const std::string id = sound.piece.producer.attribute("id").value();
    const auto shared = std::count_if(all.begin(), all.end(),
                                      [&](const Sound &other) { return other.piece.producer == sound.piece.producer; });
    return shared < 2 ? id : id + "@" + std::to_string(sound.lane.track) + "." + std::to_string(sound.piece.start);
}

MltTimeline::Sound MltTimeline::find(const std::string &placed_id) const {
    const std::vector<Sound> all = sounds();
    const std::string producer = placed_id.substr(0, placed_id.rfind('@'));
    std::vector<Sound> alike;
    for (const Sound &sound : all) {
        if (id_of(sound, all) == placed_id) {
            return sound;
        }
        if (sound.piece.producer.attribute("id").value() == producer) {
            alike.push_back(sound);
        }
    }
    // It was one of several when its id was asked for.
    if (alike.size() == 1) {
        return alike.front();
    }
    throw Problem(Problem::Kind::usage, file_.path() + ": there is no soundtrack " + placed_id + " on its timeline");
}

Placed MltTimeline::placed_of(const Sound &sound) const {
    const pugi::xml_node producer = sound.piece.producer;
    const pugi::xml_node memory = property(producer, "kinescore:key").empty() ? stand_in(producer) : producer;
    Placed placed;
    placed.key = property(memory, "kinescore:key");
    placed.settings = separated(property(memory, "kinescore:settings"));
    placed.wav = absolute(property(producer, "resource"));
    placed.made_for.media_path = absolute(property(memory, media_property));
    placed.made_for.name = fs::path(placed.made_for.media_path).filename().string();
    placed.made_for.source_in = number_or(property(memory, "kinescore:in"), 0);
    placed.made_for.source_out = number_or(property(memory, "kinescore:out"), 0);
    placed.made_for.timeline_start = number_or(property(memory, "kinescore:start"), 0);
    placed.made_for.speed = ratio_from(property(memory, "kinescore:speed"));
    placed.made_for.track = static_cast<int>(number_or(property(memory, "kinescore:track"), 0));
    placed.made_for.rate = clock_.rate();
    placed.timeline_start = clock_.flicks(sound.piece.start);
    // The clip's own length may be no whole number of frames at odd speeds; the nearest is as good as it can be.
    const Flicks wanted = placed.made_for.duration();
    const bool is_whole = std::max<Frames>(clock_.nearest(wanted), 1) == sound.piece.length;
    placed.duration = is_whole ? wanted : clock_.flicks(sound.piece.length);
    return placed;
}

std::vector<Placed> MltTimeline::ours() {
    const std::vector<Sound> all = sounds();
    std::vector<Placed> placed;
    for (const Sound &sound : all) {
        placed.push_back(placed_of(sound));
        placed.back().id = id_of(sound, all);
    }
    return placed;
}

std::vector<std::pair<std::string, std::string>> MltTimeline::memory(const Placed &placed) {
    const TimelineItem &item = placed.made_for;
    return {{"kinescore:key", placed.key},
            {"kinescore:settings", joined(placed.settings)},
            {media_property, item.media_path},
            {"kinescore:in", std::to_string(item.source_in)},
            {"kinescore:out", std::to_string(item.source_out)},
            {"kinescore:start", std::to_string(item.timeline_start)},
            {"kinescore:speed", spelled(item.speed)},
            {"kinescore:track", std::to_string(item.track)}};
}

std::string MltTimeline::property_lines(const std::vector<std::pair<std::string, std::string>> &properties) const {
    std::string lines;
    for (const auto &[name, value] : properties) {
        lines += text_.step() + "<property name=\"" + xml_escape(name) + "\">" + xml_escape(value) + "</property>\n";
    }
    return lines;
}

void MltTimeline::set_property(pugi::xml_node element, const std::string &name, const std::string &value) {
    if (const pugi::xml_node node = property_node(element, name.c_str())) {
        if (value != node.text().get()) {
            text_.set_text(node, value);
        }
        return;
    }
    const std::string line = "<property name=\"" + xml_escape(name) + "\">" + xml_escape(value) + "</property>";
    pugi::xml_node last;
    for (const pugi::xml_node node : element.children("property")) {
        last = node;
    }
    last ? text_.insert_after(last, line) : text_.insert_first(element, line);
}

void MltTimeline::refresh_element(pugi::xml_node producer, const Placed &placed, Frames length) {
    if (absolute(property(producer, "resource")) != placed.wav) {
        set_property(producer, "resource", path_for_project(placed.wav));
    }
    if (clock_.read(property(producer, "length")) != length) {
        set_property(producer, "length", std::to_string(length));
    }
    if (attribute_time(producer, "out") != length - 1) {
        text_.set_attribute(producer, "out", clock_.write(length - 1));
    }
    for (const auto &[name, value] : memory(placed)) {
        // Shotcut makes all paths relative when it saves.
        if (name != media_property || absolute(property(producer, media_property)) != value) {
            set_property(producer, name, value);
        }
    }
}

/// Lanes that sound may be put on: of ours is a track that has sound of ours, or one of our title on which there is
/// nothing.
std::vector<Lane> MltTimeline::own_lanes() const {
    std::vector<Lane> own;
    const std::vector<Lane> all = lanes();
    std::map<std::size_t, std::size_t> filled; // playlists of each track that something is on
    const auto entries = [&](const Lane &lane) { return !lane.playlist.child("entry").empty(); };
    for (const Lane &lane : all) {
        filled[lane.track] += entries(lane) ? 1 : 0;
    }
    for (const Lane &lane : all) {
        const std::vector<Piece> on_it = pieces(lane.playlist);
        const bool has_sound = std::any_of(
            on_it.begin(), on_it.end(), [&](const Piece &piece) { return !piece.is_blank && is_ours(piece.producer); });
        const bool is_first = own.empty() || own.back().track != lane.track;
        if (lane.video < 0 && ((has_sound && filled[lane.track] == 1) ||
                               (filled[lane.track] == 0 && is_first && is_own_title(track_name(lane))))) {
            own.push_back(lane);
        }
    }
    return own;
}

std::string MltTimeline::lane_for(Frames start, Frames length, const std::string &preferred) {
    std::vector<Lane> own = own_lanes();
    std::stable_sort(own.begin(), own.end(), [&](const Lane &a, const Lane &b) {
        const auto rank = [&](const Lane &lane) { return lane.playlist.attribute("id").value() == preferred ? 0 : 1; };
        return rank(a) != rank(b) ? rank(a) < rank(b) : track_name(a) < track_name(b);
    });
    for (const Lane &lane : own) {
        const std::vector<Piece> on_it = pieces(lane.playlist);
        const bool is_free = std::none_of(on_it.begin(), on_it.end(), [&](const Piece &piece) {
            return !piece.is_blank && piece.start < start + length && start < piece.start + piece.length;
        });
        if (is_free) {
            return lane.playlist.attribute("id").value();
        }
    }
    std::set<std::string> taken;
    for (const Lane &lane : lanes()) {
        taken.insert(track_name(lane));
    }
    std::string title = track_title;
    for (int number = 2; taken.count(title) > 0; ++number) {
        title = std::string(track_title) + " " + std::to_string(number);
    }
    const std::string playlist = free_id("playlist");
    add_track(title, playlist);
    apply();
    return playlist;
}

/// Puts an entry on a playlist where there is nothing yet.
void MltTimeline::put(const std::string &playlist, Frames start, Frames length, const std::string &entry) {
    const pugi::xml_node node = service(playlist);
    const std::vector<Piece> on_it = pieces(node);
    const auto blank = [&](Frames count) {
        return count > 0 ? "<blank length=\"" + clock_.write(count) + "\"/>\n" : std::string();
    };
    Frames end = 0;
    for (const Piece &piece : on_it) {
        end = piece.start + piece.length;
        const bool is_last = &piece == &on_it.back();
        if (piece.is_blank && piece.start <= start && (is_last || start + length <= end)) {
            const Frames rest = is_last ? 0 : end - start - length;
            text_.replace(piece.node, piece.node, blank(start - piece.start) + entry + "\n" + blank(rest));
            resized(playlist, std::max(start + length, on_it.back().start + on_it.back().length));
            apply();
            return;
        }
    }
    const std::string lines = blank(start - end) + entry;
    append(node, lines);
    resized(playlist, start + length);
    apply();
}

/// Takes an entry off its playlist; what is behind it stays where it is.
void MltTimeline::take(const Sound &sound) {
    const std::vector<Piece> on_it = pieces(sound.lane.playlist);
    std::size_t first = 0;
    while (first < on_it.size() && on_it[first].node != sound.piece.node) {
        ++first;
    }
    std::size_t last = first;
    const bool is_at_end = first + 1 >= on_it.size() || (first + 2 == on_it.size() && on_it.back().is_blank);
    last += last + 1 < on_it.size() && on_it[last + 1].is_blank ? 1 : 0;
    first -= first > 0 && on_it[first - 1].is_blank ? 1 : 0;
    const std::string playlist = sound.lane.playlist.attribute("id").value();
    if (is_at_end) {
        for (std::size_t piece = first; piece <= last; ++piece) {
            text_.erase(on_it[piece].node);
        }
        resized(playlist, on_it[first].start);
    } else {
        const Frames length = on_it[last].start + on_it[last].length - on_it[first].start;
        text_.replace(on_it[first].node, on_it[last].node, "<blank length=\"" + clock_.write(length) + "\"/>");
    }
    apply();
}

void MltTimeline::move(const Sound &sound, Frames start, Frames length) {
    const std::string from = sound.lane.playlist.attribute("id").value();
    const std::string producer = sound.piece.producer.attribute("id").value();
    // What the user did to the entry, as a filter, goes with it.
    text_.set_attribute(sound.piece.node, "in", clock_.write(0));
    text_.set_attribute(sound.piece.node, "out", clock_.write(length - 1));
    apply();
    const std::vector<Sound> now = sounds();
    const auto same = std::find_if(now.begin(), now.end(),
                                   [&](const Sound &other) { return other.piece.producer == service(producer); });
    const std::string entry = text_.outer(same->piece.node);
    const std::string definition = text_.outer(service(producer));
    take(*same);
    const std::string lane = lane_for(start, length, from);
    if (lane != from) {
        // What an entry plays has to stand before its playlist.
        text_.erase(service(producer));
        apply();
        text_.insert_before(service(lane), definition);
        apply();
    }
    put(lane, start, length, entry);
    drop_if_empty(from);
}

void MltTimeline::place(const Placed &placed) {
    std::error_code error;
    if (!fs::is_regular_file(placed.wav, error)) {
        throw Problem(Problem::Kind::input,
                      placed.wav + ": there is no such file, and it should be put under " + placed.made_for.name);
    }
    const std::string before = text_.bytes();
    try {
        const Frames start = std::max<Frames>(clock_.nearest(placed.timeline_start), 0);
        const Frames length = std::max<Frames>(clock_.nearest(placed.duration), 1);
        bool is_new = placed.id.empty();
        if (!is_new) {
            const Sound sound = find(placed.id);
            const std::vector<Sound> all = sounds();
            is_new = std::count_if(all.begin(), all.end(), [&](const Sound &other) {
                         return other.piece.producer == sound.piece.producer;
                     }) > 1;
            if (is_new) {
                take(sound); // the other one keeps the producer
            } else {
                const bool is_there = sound.piece.start == start && sound.piece.length == length && sound.piece.in == 0;
                refresh_producer(sound.piece.producer, placed, length);
                apply();
                if (!is_there) {
                    move(find(placed.id), start, length);
                }
            }
        }
        if (is_new) {
            const std::string lane = lane_for(start, length, "");
            const std::string producer = add_producer(placed, length, lane);
            apply();
            put(lane, start, length, entry_of(producer, length));
        }
        lengthen(start + length);
    } catch (...) {
        text_.reset(before);
        index();
        indexed();
        throw;
    }
}

void MltTimeline::remove(const std::string &placed_id) {
    const std::string before = text_.bytes();
    try {
        const Sound sound = find(placed_id);
        const std::string lane = sound.lane.playlist.attribute("id").value();
        const std::string producer = sound.piece.producer.attribute("id").value();
        take(sound);
        const std::vector<Sound> left = sounds();
        const bool is_used = std::any_of(left.begin(), left.end(),
                                         [&](const Sound &other) { return other.piece.producer == service(producer); });
        if (!is_used) {
            remove_producer(service(producer));
            apply();
        }
        drop_if_empty(lane);
    } catch (...) {
        text_.reset(before);
        index();
        indexed();
        throw;
    }
}

void MltTimeline::drop_if_empty(const std::string &playlist) {
    const std::vector<Lane> all = lanes();
    const auto lane = std::find_if(all.begin(), all.end(),
                                   [&](const Lane &one) { return one.playlist.attribute("id").value() == playlist; });
    if (lane == all.end() || lane->video >= 0 || !is_own_title(track_name(*lane))) {
        return;
    }
    for (const Lane &beside : all) {
        if (beside.track == lane->track && beside.playlist.child("entry")) {
            return;
        }
    }
    shorten(lane->playlist);
    remove_track(*lane);
    apply();
}

/// Makes the timeline reach to where a sound ends, and remembers how it was.
void MltTimeline::lengthen(Frames end) {
    std::map<std::string, std::string> changed;
    for (const auto &[node, attribute] : ends()) {
        const bool is_property = attribute.empty();
        const std::string old = is_property ? node.text().get() : node.attribute(attribute.c_str()).value();
        const auto there = clock_.read(old);
        const Frames wanted = is_property ? end : end - 1;
        if (!there || *there >= wanted) {
            continue;
        }
        const std::string text =
            is_property && old.find(':') == std::string::npos ? std::to_string(wanted) : clock_.write(wanted);
        if (is_property) {
            text_.set_text(node, text);
        } else {
            text_.set_attribute(node, attribute, text);
        }
        const pugi::xml_node named = node.attribute("id") ? node : node.parent();
        changed[std::string(named.attribute("id").value()) + " " + node.name() + " " + attribute] = old + " " + text;
    }
    const std::vector<Lane> own = own_lanes();
    if (changed.empty() || own.empty()) {
        return;
    }
    std::map<std::string, std::string> known = separated(property(own.front().playlist, ends_property));
    for (auto &[place, values] : changed) {
        const auto before = known.find(place);
        known[place] = before == known.end()
                           ? values
                           : before->second.substr(0, before->second.find(' ')) + values.substr(values.find(' '));
    }
    set_property(own.front().playlist, ends_property, joined(known));
    apply();
}

/// Gives back the ends that were there before, when the track that remembers them goes.
void MltTimeline::shorten(pugi::xml_node playlist) {
    const std::string remembered = property(playlist, ends_property);
    if (remembered.empty()) {
        return;
    }
    for (const Lane &other : own_lanes()) {
        if (other.playlist != playlist) {
            set_property(other.playlist, ends_property, remembered);
            return;
        }
    }
    const auto known = separated(remembered);
    for (const auto &[node, attribute] : ends()) {
        const pugi::xml_node named = node.attribute("id") ? node : node.parent();
        const auto found = known.find(std::string(named.attribute("id").value()) + " " + node.name() + " " + attribute);
        const std::string now = attribute.empty() ? node.text().get() : node.attribute(attribute.c_str()).value();
        if (found == known.end() || found->second.substr(found->second.find(' ') + 1) != now) {
            continue; // somebody else changed it since
        }
        const std::string old = found->second.substr(0, found->second.find(' '));
        attribute.empty() ? text_.set_text(node, old) : text_.set_attribute(node, attribute, old);
    }
}

void MltTimeline::shift_transitions(pugi::xml_node tractor, std::size_t from, int by) {
    for (const pugi::xml_node transition : tractor.children("transition")) {
        for (const char *name : {"a_track", "b_track"}) {
            const auto track = whole_number(property(transition, name));
            if (track && *track >= static_cast<std::int64_t>(from)) {
                text_.set_text(property_node(transition, name), std::to_string(*track + by));
            }
        }
    }
}

void MltTimeline::check_writable() { file_.check_writable(editors_); }

void MltTimeline::save() { file_.write(text_.bytes(), editors_); }

std::string MltTimeline::sound_folder() const { return file_.sound_folder(); }

} // namespace kinescore::bridge
