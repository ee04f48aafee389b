// Places, moves and removes Kinescore's sounds on a timeline of MLT.

#include "memory.hpp"
#include "mlt_timeline.hpp"
#include "ratio.hpp"
#include "track_title.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr const char *ends_property = "kinescore:ends";

/// Higher track numbers have no meaning, and are left unchanged.
constexpr std::int64_t most_tracks = 1'000'000'000;

} // namespace

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
    if (property(producer, "mlt_service") == "timewarp") {
        set_property(producer, "mlt_service", "avformat-novalidate");
        for (const char *name : {"warp_speed", "warp_resource", "warp_pitch"}) {
            if (const pugi::xml_node node = property_node(producer, name)) {
                text_.erase(node);
            }
        }
    }
    if (absolute(property(producer, "resource")) != placed.wav) {
        set_property(producer, "resource", path_for_project(placed.wav));
    }
    if (clock_.read(property(producer, "length")) != length) {
        set_property(producer, "length", std::to_string(length));
    }
    // Entries are counted from the producer's in-point, so one that a user has set would shorten
    // the sound for ever.
    if (attribute_time(producer, "in").value_or(0) != 0) {
        text_.set_attribute(producer, "in", clock_.write(0));
    }
    if (attribute_time(producer, "out") != length - 1) {
        text_.set_attribute(producer, "out", clock_.write(length - 1));
    }
    const auto record = memory(placed);
    for (const char *field : optional_fields) {
        const std::string name = std::string("kinescore:") + field;
        const bool is_kept = std::any_of(record.begin(), record.end(), [&](const auto &pair) { return pair.first == name; });
        if (const pugi::xml_node node = property_node(producer, name.c_str()); node && !is_kept) {
            text_.erase(node);
        }
    }
    for (const auto &[name, value] : record) {
        // Shotcut makes all paths relative when it saves.
        if (name != media_property || absolute(property(producer, media_property)) != value) {
            set_property(producer, name, value);
        }
    }
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
            // After a piece of unknown length, no position is known.
            return piece.is_open ||
                   (!piece.is_blank && piece.start < start + length && start < piece.start + piece.length);
        });
        if (is_free) {
            return lane.playlist.attribute("id").value();
        }
    }
    std::set<std::string> taken;
    for (const Lane &lane : lanes()) {
        taken.insert(track_name(lane));
    }
    const std::string playlist = free_id("playlist");
    add_track(free_track_title([&](const std::string &title) { return taken.count(title) > 0; }), playlist);
    apply();
    return playlist;
}

/// Puts an entry into an empty range of a playlist.
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

/// Removes an entry from its playlist; everything after it stays in place.
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

/// Throws Problem if an edit of a sound could reach another element.
void MltTimeline::check_editable(const Sound &sound) const {
    const pugi::xml_node producer = sound.piece.producer;
    for (const pugi::xml_node element : {sound.lane.playlist, producer, stand_in(producer)}) {
        check_unique(element.attribute("id").value());
    }
}

void MltTimeline::move(const Sound &sound, Frames start, Frames length) {
    const std::string from = sound.lane.playlist.attribute("id").value();
    const std::string producer = sound.piece.producer.attribute("id").value();
    // The user's changes to the entry, such as a filter, move with it.
    text_.set_attribute(sound.piece.node, "in", clock_.write(0));
    text_.set_attribute(sound.piece.node, "out", clock_.write(length - 1));
    if (sound.piece.node.attribute("repeat")) {
        text_.set_attribute(sound.piece.node, "repeat", std::nullopt);
    }
    apply();
    const std::vector<Sound> now = sounds();
    const auto same = std::find_if(now.begin(), now.end(),
                                   [&](const Sound &other) { return other.piece.producer == service(producer); });
    if (same == now.end()) {
        throw Problem(Problem::Kind::input, file_.path() + ": the id \"" + producer +
                                                "\" of a sound of ours is not its own; it needs one to be moved");
    }
    const std::string entry = text_.outer(same->piece.node);
    const std::string definition = text_.outer(service(producer));
    take(*same);
    const std::string lane = lane_for(start, length, from);
    if (lane != from) {
        // A producer must come before the playlist that plays it.
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
            check_editable(sound);
            const std::vector<Sound> all = sounds();
            is_new = std::count_if(all.begin(), all.end(), [&](const Sound &other) {
                         return other.piece.producer == sound.piece.producer;
                     }) > 1;
            if (is_new) {
                take(sound); // the other one keeps the producer
            } else {
                const bool is_there = sound.piece.start == start && sound.piece.length == length && !is_cut(sound);
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
        check_editable(sound);
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

void MltTimeline::change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) {
    const std::string before = text_.bytes();
    try {
        edit_markers(removed, added);
        apply();
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
    if (lane == all.end() || lane->video >= 0 || !is_track_title(track_name(*lane))) {
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

/// Extends the timeline to where a sound ends, and records the previous end.
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

/// Restores the previous ends when the track that records them is removed.
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
            continue; // another program has changed it since
        }
        const std::string old = found->second.substr(0, found->second.find(' '));
        attribute.empty() ? text_.set_text(node, old) : text_.set_attribute(node, attribute, old);
    }
}

void MltTimeline::shift_transitions(pugi::xml_node tractor, std::size_t from, int by) {
    for (const pugi::xml_node transition : tractor.children("transition")) {
        for (const char *name : {"a_track", "b_track"}) {
            const auto track = whole_number(property(transition, name));
            if (track && *track >= static_cast<std::int64_t>(from) && *track <= most_tracks) {
                text_.set_text(property_node(transition, name), std::to_string(*track + by));
            }
        }
    }
}

} // namespace kinescore::bridge
