#include "mlt_timeline.hpp"

#include "memory.hpp"
#include "ratio.hpp"
#include "track_title.hpp"
#include "url.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr Frames unknown = -1;

/// More repetitions than the longest timeline has frames.
constexpr Frames most_repeats = 1'000'000'000;

/// What a time may be, in sentences.
constexpr const char *allowed_times = "0 to 999999999 frames, or hours, minutes and seconds";

std::int64_t number_or(const std::string &text, std::int64_t otherwise) {
    return whole_number(text).value_or(otherwise);
}

bool is_service(const std::string &name) {
    return name == "producer" || name == "chain" || name == "playlist" || name == "tractor" || name == "multitrack";
}

/// How often an entry is played: like MLT, the digits at the beginning of the attribute count, and
/// anything below 2 means once.
Frames repeat_of(pugi::xml_node entry) {
    std::string digits = entry.attribute("repeat").value();
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    return digits.empty() ? 1 : std::clamp<Frames>(whole_number(digits).value_or(most_repeats), 1, most_repeats);
}

} // namespace

MltTimeline::MltTimeline(ProjectFile file, std::vector<std::string> editors, NestedReader nested)
    : file_(std::move(file)), text_(file_.bytes(), file_.path()), editors_(std::move(editors)),
      nested_(std::move(nested)) {
    const pugi::xml_node root = text_.root();
    if (std::string(root.name()) != "mlt") {
        throw Problem(Problem::Kind::input, file_.path() + ": is not a project of MLT: its outermost element is <" +
                                                root.name() + ">; expected <mlt>");
    }
    const pugi::xml_node profile = root.child("profile");
    const std::string numerator = profile.attribute("frame_rate_num").value();
    const std::string denominator = profile.attribute("frame_rate_den").as_string("1");
    const Ratio rate{number_or(numerator, 0), number_or(denominator, 0)};
    if (profile && (rate.numerator < 1 || rate.denominator < 1 || rate.numerator > 1'000'000'000 ||
                    rate.denominator > 1'000'000'000 || rate.numerator / rate.denominator > 1000)) {
        throw Problem(Problem::Kind::input, file_.path() + ": its frame rate is " + numerator + "/" + denominator +
                                                "; expected above 0, at most 1000");
    }
    // Without a profile, MLT uses 25 frames per second.
    clock_ = MltClock(profile ? rate : Ratio{25, 1});
    const std::string root_folder = root.attribute("root").value();
    root_ = root_folder.empty() ? file_.folder() : ProjectFile::absolute(root_folder, file_.folder());
    index();
}

void MltTimeline::index() {
    services_.clear();
    ids_.clear();
    lengths_.clear();
    depth_of_lengths_ = 0;
    has_chains_ = false;
    std::string sample;
    std::vector<pugi::xml_node> waiting{text_.root()};
    while (!waiting.empty()) {
        const pugi::xml_node element = waiting.back();
        waiting.pop_back();
        const std::string name = element.name();
        if (is_service(name) && element.attribute("id")) {
            services_[element.attribute("id").value()].push_back(element);
        }
        has_chains_ = has_chains_ || name == "chain";
        ids_.insert(element.attribute("id").value());
        ids_.insert(element.attribute("producer").value()); // not to be played by an added producer
        if (sample.empty() && (name == "entry" || name == "tractor")) {
            sample = element.attribute("out").value();
        }
        std::vector<pugi::xml_node> inner;
        for (const pugi::xml_node child : element.children()) {
            if (child.type() == pugi::node_element && std::strcmp(child.name(), "property") != 0) {
                inner.push_back(child);
            }
        }
        waiting.insert(waiting.end(), inner.rbegin(), inner.rend()); // keeps the order of the text
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
    return found == services_.end() ? pugi::xml_node() : found->second.back();
}

std::size_t MltTimeline::count_of(const std::string &id) const {
    const auto found = services_.find(id);
    return found == services_.end() ? 0 : found->second.size();
}

void MltTimeline::check_unique(const std::string &id) const {
    if (const std::size_t count = count_of(id); count > 1) {
        throw Problem(Problem::Kind::input, file_.path() + ": " + std::to_string(count) +
                                                " elements have the id \"" + shown(id) +
                                                "\"; expected one. Save the project again in its editor, which gives "
                                                "each an id of its own");
    }
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
    if (const auto named = services_.find(element.attribute("producer").value()); named != services_.end()) {
        const auto later = std::find_if(named->second.begin(), named->second.end(), [&](pugi::xml_node service) {
            return service.offset_debug() > element.offset_debug();
        });
        return later == named->second.begin() ? named->second.front() : *std::prev(later);
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
    return natural_length(producer);
}

/// The length of a playlist or tractor that does not contain its length; none if it is endless or
/// contains itself.
std::optional<Frames> MltTimeline::natural_length(pugi::xml_node service) const {
    const bool is_playlist = is_named(service, "playlist");
    if (!is_playlist && !is_named(service, "tractor") && !is_named(service, "multitrack")) {
        return std::nullopt;
    }
    const auto [known, is_new] = lengths_.try_emplace(service.internal_object(), std::nullopt);
    if (!is_new || depth_of_lengths_ >= deepest_timelines) {
        return known->second;
    }
    ++depth_of_lengths_;
    Frames longest = 0;
    if (is_playlist) {
        const std::vector<Piece> on_it = pieces(service);
        longest = on_it.empty() ? 0 : on_it.back().start + on_it.back().length;
    } else {
        for (const pugi::xml_node track : tracks_of(service)) {
            longest = std::max(longest, length_of(played_by(track)).value_or(0));
        }
    }
    --depth_of_lengths_;
    if (longest > 0) {
        lengths_[service.internal_object()] = longest;
        return longest;
    }
    return std::nullopt;
}

/// The last frame of a producer, in the counting of its entries; -1 if it is unknown, or not a
/// file.
Frames MltTimeline::last_of(pugi::xml_node producer) const {
    const auto length = clock_.read(property(producer, "length"));
    const bool is_file = is_named(producer, "producer") || is_named(producer, "chain");
    // For media played at another speed, programs write the length at either of the two speeds.
    const bool is_warped = property(producer, "mlt_service") == "timewarp" || is_remapped(producer);
    if (!is_file || !length || *length < 1 || is_warped) {
        return unknown;
    }
    return *length - 1 - attribute_time(producer, "in").value_or(0);
}

/// Whether the speed of a chain changes over time.
bool MltTimeline::is_remapped(pugi::xml_node producer) {
    for (const pugi::xml_node link : producer.children("link")) {
        const std::string service = link.attribute("mlt_service").value();
        if ((service == "timeremap" || property(link, "mlt_service") == "timeremap") &&
            property(link, "disable") != "1") {
            return true;
        }
    }
    return false;
}

/// The text of an attribute that should be a time and is not; "" if it is one, is missing, or is
/// below 0, which MLT takes for a missing one.
std::string MltTimeline::unreadable_time(pugi::xml_node element, const char *name) const {
    const std::string text = element.attribute(name).value();
    const auto number = whole_number(text);
    return text.empty() || clock_.read(text) || (number && *number < 0) ? "" : text;
}

/// Reads what an entry plays, and how long. The length is below 0 if it is unknown.
void MltTimeline::read_entry(Piece &piece) const {
    const pugi::xml_node node = piece.node;
    piece.producer = played_by(node);
    for (const char *name : {"in", "out"}) {
        if (const std::string text = unreadable_time(node, name); !text.empty() && piece.fault.empty()) {
            piece.fault = "its " + std::string(name) + "-point is \"" + shown(text) + "\"; expected " + allowed_times;
        }
    }
    piece.in = attribute_time(node, "in").value_or(0);
    const Frames whole = length_of(piece.producer).value_or(unknown);
    Frames out = attribute_time(node, "out").value_or(whole - 1);
    // MLT plays no more than there is, and swaps ends that are in the wrong order.
    const Frames last = last_of(piece.producer);
    piece.is_beyond = last >= 0 && piece.in > last;
    if (last >= 0) {
        piece.in = std::min(piece.in, last);
        out = std::min(out, last);
    }
    if (out >= 0 && out < piece.in) {
        std::swap(out, piece.in);
    }
    piece.length = piece.fault.empty() ? out - piece.in + 1 : unknown;
    if (piece.length > 0) {
        piece.repeat = repeat_of(node);
        piece.length *= piece.repeat;
    }
}

std::vector<Piece> MltTimeline::pieces(pugi::xml_node playlist) const {
    std::vector<Piece> all;
    Frames at = 0;
    std::string lost; // why the position of everything that follows is unknown
    for (const pugi::xml_node node : playlist.children()) {
        const bool is_blank = std::strcmp(node.name(), "blank") == 0;
        if (!is_blank && std::strcmp(node.name(), "entry") != 0) {
            continue;
        }
        Piece piece;
        piece.node = node;
        piece.is_blank = is_blank;
        piece.start = at;
        if (!is_blank) {
            read_entry(piece);
        } else if (const std::string text = unreadable_time(node, "length"); text.empty()) {
            piece.length = attribute_time(node, "length").value_or(0); // as in MLT
        } else {
            piece.length = unknown;
            piece.fault = "it comes after a blank of length \"" + shown(text) + "\"; expected " + allowed_times;
        }
        if (!lost.empty()) {
            piece.fault = lost;
        } else if (piece.length < 0) {
            lost = is_blank ? piece.fault
                            : "it comes after a clip whose " +
                                  std::string(piece.fault.empty() ? "length is not in the project"
                                                                  : "times cannot be read") +
                                  ", so its position is unknown";
        } else {
            at += piece.length;
            if (clock_.flicks(at) > longest_time) {
                throw Problem(Problem::Kind::input, file_.path() + ": the playlist \"" +
                                                        playlist.attribute("id").value() + "\" is more than " +
                                                        std::to_string(longest_seconds) +
                                                        " s long, which is the maximum");
            }
            all.push_back(piece);
            continue;
        }
        if (!is_blank) {
            piece.length = 0;
            piece.repeat = 1;
            piece.is_open = true;
            all.push_back(piece);
        }
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
        // A project that was moved still names its previous folder; editors also look beside the
        // project.
        const std::string beside = ProjectFile::absolute(resource, file_.folder());
        return fs::exists(beside, error) ? beside : path;
    }
    return path;
}

/// The path of a media; the name itself if it is not a path on this computer.
std::string MltTimeline::media_path_of(const std::string &resource) const {
    std::error_code error;
    const std::string path = absolute(resource);
    const bool is_elsewhere = resource.find("://") != std::string::npos ||
                              (is_path_of_windows(resource) && !fs::exists(path, error));
    return is_elsewhere ? resource : path;
}

std::string MltTimeline::path_for_project(const std::string &path) const {
    const fs::path relative = fs::path(path).lexically_relative(root_);
    std::error_code error;
    const bool is_beneath = !relative.empty() && *relative.begin() != ".." && fs::exists(root_, error);
    return is_beneath ? relative.string() : path;
}

std::vector<MltTimeline::Sound> MltTimeline::sounds() const {
    std::vector<Sound> all;
    std::set<pugi::xml_node> known; // several tracks may play one playlist
    for (const Lane &lane : lanes()) {
        for (const Piece &piece : pieces(lane.playlist)) {
            if (piece.is_blank || !is_ours(piece.producer) || !known.insert(piece.node).second) {
                continue;
            }
            if (!piece.fault.empty()) {
                throw Problem(Problem::Kind::input, file_.path() + ": a soundtrack on the playlist \"" +
                                                        lane.playlist.attribute("id").value() +
                                                        "\" cannot be followed: " + piece.fault);
            }
            all.push_back({lane, piece});
        }
    }
    return all;
}

/// The producer's id; if it has none, or a sound was cut in two or copied, the place is added to
/// distinguish each.
std::string MltTimeline::id_of(const Sound &sound, const std::vector<Sound> &all) {
    const std::string id = sound.piece.producer.attribute("id").value();
    const auto shared = std::count_if(all.begin(), all.end(),
                                      [&](const Sound &other) { return other.piece.producer == sound.piece.producer; });
    return shared < 2 && !id.empty() ? id : id + "@" + std::to_string(sound.lane.track) + "." + std::to_string(sound.piece.start);
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
    // It was one of several when its id was queried.
    if (alike.size() == 1) {
        return alike.front();
    }
    throw Problem(Problem::Kind::usage, file_.path() + ": there is no soundtrack " + placed_id + " on its timeline");
}

/// Whether a user has cut off the beginning of a sound, repeats it, or plays it at another speed.
bool MltTimeline::is_cut(const Sound &sound) const {
    const pugi::xml_node producer = sound.piece.producer;
    return sound.piece.in + attribute_time(producer, "in").value_or(0) != 0 || sound.piece.repeat != 1 ||
           property(producer, "mlt_service") == "timewarp";
}

/// The file of one of our sounds.
std::string MltTimeline::file_of(pugi::xml_node producer) const {
    const std::string resource = property(producer, "resource");
    const std::size_t colon = property(producer, "mlt_service") == "timewarp" ? resource.find(':') : std::string::npos;
    return absolute(colon == std::string::npos ? resource : resource.substr(colon + 1));
}

Placed MltTimeline::placed_of(const Sound &sound) const {
    const pugi::xml_node producer = sound.piece.producer;
    const pugi::xml_node memory = property(producer, "kinescore:key").empty() ? stand_in(producer) : producer;
    Placed placed =
        recalled([&](const char *name) { return property(memory, ("kinescore:" + std::string(name)).c_str()); });
    placed.wav = file_of(producer);
    placed.made_for.media_path = media_path_of(placed.made_for.media_path);
    placed.made_for.name = file_name_of(placed.made_for.media_path);
    placed.made_for.rate = clock_.rate();
    placed.timeline_start = clock_.flicks(sound.piece.start);
    // At odd speeds the clip's own length may not be a whole number of frames; then the nearest is
    // the best possible.
    const Flicks wanted = placed.made_for.duration();
    const bool is_whole = std::max<Frames>(clock_.nearest(wanted), 1) == sound.piece.length;
    placed.duration = is_whole ? wanted : clock_.flicks(sound.piece.length);
    placed.is_cut = is_cut(sound);
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
    std::vector<std::pair<std::string, std::string>> properties;
    for (auto &[name, value] : remembered(placed)) {
        if (name != "name") { // the file's name
            properties.emplace_back("kinescore:" + name, value);
        }
    }
    return properties;
}

/// Lanes on which sound may be placed: tracks that hold sound of Kinescore's, and tracks of our
/// title that are empty.
std::vector<Lane> MltTimeline::own_lanes() const {
    std::vector<Lane> own;
    const std::vector<Lane> all = lanes();
    std::map<std::size_t, std::size_t> filled; // the non-empty playlists of each track
    const auto entries = [&](const Lane &lane) { return !lane.playlist.child("entry").empty(); };
    for (const Lane &lane : all) {
        filled[lane.track] += entries(lane) ? 1 : 0;
    }
    for (const Lane &lane : all) {
        const std::vector<Piece> on_it = pieces(lane.playlist);
        const bool has_sound = std::any_of(
            on_it.begin(), on_it.end(), [&](const Piece &piece) { return !piece.is_blank && is_ours(piece.producer); });
        const bool is_first = own.empty() || own.back().track != lane.track;
        const bool is_unique = count_of(lane.playlist.attribute("id").value()) < 2;
        if (lane.video < 0 && is_unique && ((has_sound && filled[lane.track] == 1) ||
                               (filled[lane.track] == 0 && is_first && is_track_title(track_name(lane))))) {
            own.push_back(lane);
        }
    }
    return own;
}

void MltTimeline::check_writable() { file_.check_writable(editors_); }

void MltTimeline::save() { file_.write(text_.bytes(), editors_); }

std::string MltTimeline::sound_folder() const { return file_.sound_folder(); }

} // namespace kinescore::bridge
