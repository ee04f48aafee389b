#include "mlt.hpp"

#include "markers.hpp"
#include "xml.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace kinescore::bridge {

namespace {

/// Marks a tractor that Kinescore put around a timeline that has no place for another track.
constexpr const char *wrapper_mark = "kinescore:wraps";

/// Tracks inside such a wrapped timeline are numbered from here, to distinguish them from the
/// wrapper's own.
constexpr std::size_t inner_tracks = 1'000'000;

} // namespace

bool MltProject::is(const std::string &bytes) {
    // Anything else is found out by opening it, which reports the fault.
    const std::size_t root = bytes.substr(0, 8192).find("<mlt");
    return root != std::string::npos && bytes.find("kdenlive:docproperties") == std::string::npos;
}

std::unique_ptr<MltProject> MltProject::open(const std::string &path, NestedReader nested) {
    return std::unique_ptr<MltProject>(new MltProject(ProjectFile(path), std::move(nested)));
}

MltProject::MltProject(ProjectFile file, NestedReader nested)
    : MltTimeline(std::move(file), {"shotcut"}, std::move(nested)) {}

std::vector<Marker> MltProject::markers() {
    std::vector<Marker> found = markers_of_shotcut(timeline(), clock_);
    const std::vector<Marker> inner = markers_of_shotcut(wrapped(), clock_);
    found.insert(found.end(), inner.begin(), inner.end());
    return found;
}

void MltProject::edit_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) {
    if (!timeline()) {
        throw Problem(Problem::Kind::input, file_.path() + ": has no timeline, and markers need one");
    }
    // The wrapper is removed with the last sound.
    const pugi::xml_node inner = wrapped();
    if (!is_named(inner, "tractor")) {
        change_shotcut_markers(text_, timeline(), clock_, removed, added);
        return;
    }
    change_shotcut_markers(text_, timeline(), clock_, removed, {});
    change_shotcut_markers(text_, inner, clock_, removed, added);
}

/// The timeline inside our wrapper; none if there is no wrapper.
pugi::xml_node MltProject::wrapped() const {
    const pugi::xml_node main = timeline();
    const std::vector<pugi::xml_node> tracks = tracks_of(main);
    return property(main, wrapper_mark) != "1" || tracks.empty() ? pugi::xml_node() : played_by(tracks.front());
}

/// The element that is played: a tractor, or in the simplest files a playlist. None if a project
/// has no timeline. Elements in `without` are treated as removed.
pugi::xml_node MltProject::timeline_without(const std::vector<pugi::xml_node> &without) const {
    const pugi::xml_node root = text_.root();
    const auto is_gone = [&](pugi::xml_node node) {
        return std::find(without.begin(), without.end(), node) != without.end();
    };
    pugi::xml_node last;
    for (const pugi::xml_node node : root.children()) {
        const bool is_bin = std::strcmp(node.attribute("id").value(), "main_bin") == 0;
        if (is_gone(node)) {
            continue;
        }
        if (is_named(node, "tractor") && property(node, "shotcut") == "1") {
            return node;
        }
        if (is_named(node, "tractor") || (is_named(node, "playlist") && !is_bin)) {
            last = node;
        }
    }
    const pugi::xml_node named = service(root.attribute("producer").value());
    const bool is_timeline = named && named.parent() == root && !is_gone(named) &&
                             (is_named(named, "tractor") || is_named(named, "playlist")) &&
                             std::strcmp(named.attribute("id").value(), "main_bin") != 0;
    return is_timeline ? named : last;
}

bool MltProject::is_shotcut() const { return property(timeline(), "shotcut") == "1"; }

/// Whether the sound of all tracks of a tractor is mixed with that of the lowest, so that another
/// track can be mixed too.
bool MltProject::is_mixed(pugi::xml_node tractor) const {
    const std::size_t count = tracks_of(tractor).size();
    std::vector<bool> mixed(count);
    for (const pugi::xml_node transition : tractor.children("transition")) {
        const std::string track = property(transition, "b_track");
        for (std::size_t number = 1; number < count; ++number) {
            mixed[number] =
                mixed[number] || (property(transition, "mlt_service") == "mix" &&
                                  property(transition, "a_track") == "0" && track == std::to_string(number));
        }
    }
    for (std::size_t number = 1; number < count; ++number) {
        if (!mixed[number]) {
            return false;
        }
    }
    return count > 0;
}

void MltProject::add_lanes(pugi::xml_node tractor, std::size_t first_track, std::vector<Lane> &lanes) const {
    int video = 0;
    std::size_t number = first_track;
    for (const pugi::xml_node track : tracks_of(tractor)) {
        const pugi::xml_node played = played_by(track);
        const std::string hidden = track.attribute("hide").value();
        const bool is_background = is_shotcut() && std::strcmp(played.attribute("id").value(), "background") == 0;
        const bool is_sound = property(played, "shotcut:audio") == "1";
        const bool is_seen = !is_sound && hidden != "video" && hidden != "both";
        const bool is_clip = is_seen && (is_named(played, "producer") || is_named(played, "chain"));
        if ((is_named(played, "playlist") || is_clip) && !is_background) {
            lanes.push_back({played, number, is_seen ? video : -1});
        }
        for (const pugi::xml_node inner :
             is_named(played, "tractor") ? tracks_of(played) : std::vector<pugi::xml_node>()) {
            const std::string inner_hidden = inner.attribute("hide").value();
            const bool is_inner_seen = is_seen && inner_hidden != "video" && inner_hidden != "both";
            if (is_named(played_by(inner), "playlist") || (is_inner_seen && played_by(inner))) {
                lanes.push_back({played_by(inner), number, is_inner_seen ? video : -1});
            }
        }
        video += is_sound || is_background || hidden == "video" ? 0 : 1;
        ++number;
    }
}

std::vector<Lane> MltProject::lanes() const {
    std::vector<Lane> lanes;
    const pugi::xml_node main = timeline();
    if (is_named(main, "playlist")) {
        lanes.push_back({main, inner_tracks, 0});
    } else if (property(main, wrapper_mark) != "1") {
        add_lanes(main, 0, lanes);
    } else {
        std::vector<pugi::xml_node> tracks = tracks_of(main);
        const pugi::xml_node inner = tracks.empty() ? pugi::xml_node() : played_by(tracks.front());
        if (is_named(inner, "playlist")) {
            lanes.push_back({inner, inner_tracks, 0});
        } else {
            add_lanes(inner, inner_tracks, lanes);
        }
        for (std::size_t track = 1; track < tracks.size(); ++track) {
            lanes.push_back({played_by(tracks[track]), track, -1});
        }
    }
    return lanes;
}

std::string MltProject::track_name(const Lane &lane) const {
    const std::string name = property(lane.playlist, "shotcut:name");
    return name.empty() ? property(lane.playlist, "kinescore:name") : name;
}

std::string MltProject::mix_lines(std::size_t track) const {
    return "<transition id=\"" + free_id("transition") + "\">\n" +
           property_lines({{"a_track", "0"},
                           {"b_track", std::to_string(track)},
                           {"mlt_service", "mix"},
                           {"always_active", "1"},
                           {"sum", "1"}}) +
           "</transition>";
}

std::string MltProject::playlist_lines(const std::string &name, const std::string &playlist) const {
    const std::vector<std::pair<std::string, std::string>> shotcut{{"shotcut:audio", "1"}, {"shotcut:name", name}};
    return "<playlist id=\"" + playlist + "\">\n" +
           property_lines(is_shotcut() ? shotcut
                                       : std::vector<std::pair<std::string, std::string>>{{"kinescore:name", name}}) +
           "</playlist>";
}

void MltProject::add_track(const std::string &name, const std::string &playlist) {
    const pugi::xml_node main = timeline();
    if (!main) {
        throw Problem(Problem::Kind::input, file_.path() + ": has no timeline, and a soundtrack needs one");
    }
    if (!is_shotcut() && property(main, wrapper_mark) != "1" && !is_mixed(main)) {
        wrap(name, playlist);
        return;
    }
    const std::vector<pugi::xml_node> tracks = tracks_of(main);
    if (tracks.empty()) {
        throw Problem(Problem::Kind::input,
                      file_.path() + ": its timeline has no tracks, and a soundtrack needs a clip");
    }
    text_.insert_before(main, playlist_lines(name, playlist));
    text_.insert_after(tracks.back(), "<track producer=\"" + playlist + "\" hide=\"video\"/>");
    pugi::xml_node last = main.child("multitrack");
    last = last ? last : tracks.back();
    for (const pugi::xml_node transition : main.children("transition")) {
        last = transition;
    }
    text_.insert_after(last, mix_lines(tracks.size()));
}

/// Puts a tractor around a timeline: a single playlist has no tracks, and if the tracks of a
/// tractor are not mixed, the sound of one hides that of the others.
void MltProject::wrap(const std::string &name, const std::string &playlist) {
    const pugi::xml_node main = timeline();
    const std::string id = main.attribute("id").value();
    if (id.empty()) {
        throw Problem(Problem::Kind::input, file_.path() + ": its timeline <" + main.name() +
                                                "> has no id, and needs one to get a soundtrack");
    }
    check_unique(id);
    std::optional<Frames> end = time(main.attribute("out").value());
    if (!end) {
        Frames longest = 1;
        for (const Lane &lane : lanes()) {
            longest = std::max(longest, length_of(lane.playlist).value_or(0));
        }
        end = longest - 1;
    }
    const std::string tractor = free_id("tractor");
    const std::string step = text_.step();
    std::string lines = playlist_lines(name, playlist) + "\n<tractor id=\"" + tractor + "\" in=\"" + clock_.write(0) +
                        "\" out=\"" + clock_.write(*end) + "\">\n" + property_lines({{wrapper_mark, "1"}}) + step +
                        "<track producer=\"" + xml_escape(id) + "\"/>\n" + step + "<track producer=\"" + playlist +
                        "\" hide=\"video\"/>\n";
    const std::string mix = mix_lines(1);
    for (std::size_t begin = 0; begin < mix.size();) {
        const std::size_t line_end = std::min(mix.find('\n', begin), mix.size());
        lines += step + mix.substr(begin, line_end - begin) + "\n";
        begin = line_end + 1;
    }
    text_.insert_after(main, lines + "</tractor>");
    if (text_.root().attribute("producer").value() == id) {
        text_.set_attribute(text_.root(), "producer", tractor);
    }
}

/// Whether the wrapped element is the one that is played once the wrapper and its playlist track
/// are removed.
bool MltProject::can_unwrap(pugi::xml_node wrapper, pugi::xml_node inner, pugi::xml_node playlist) const {
    const std::string id = inner.attribute("id").value();
    const bool is_root = text_.root().attribute("producer").value() == std::string(wrapper.attribute("id").value());
    return inner && (is_root ? service(id) == inner : timeline_without({wrapper, playlist}) == inner);
}

void MltProject::remove_track(const Lane &lane) {
    const pugi::xml_node main = timeline();
    const std::vector<pugi::xml_node> outer = tracks_of(main);
    const pugi::xml_node inner = played_by(outer.front());
    const bool is_wrapped = property(main, wrapper_mark) == "1";
    // The track may belong to the timeline inside the wrapper.
    const bool is_inner = is_wrapped && lane.track >= inner_tracks;
    text_.erase(lane.playlist);
    if (is_wrapped && !is_inner && outer.size() <= 2 && can_unwrap(main, inner, lane.playlist)) {
        if (text_.root().attribute("producer").value() == std::string(main.attribute("id").value())) {
            text_.set_attribute(text_.root(), "producer", inner.attribute("id").value());
        }
        text_.erase(main);
        return;
    }
    const pugi::xml_node tractor = is_inner ? inner : main;
    const std::size_t number = lane.track - (is_inner ? inner_tracks : 0);
    text_.erase(tracks_of(tractor).at(number));
    for (const pugi::xml_node transition : tractor.children("transition")) {
        if (property(transition, "b_track") == std::to_string(number)) {
            text_.erase(transition);
        }
    }
    shift_transitions(tractor, number + 1, -1);
}

std::string MltProject::add_producer(const Placed &placed, Frames length, const std::string &playlist) {
    const bool is_chain = has_chains() || is_shotcut();
    const std::string element = is_chain ? "chain" : "producer";
    const std::string id = free_id(element);
    std::vector<std::pair<std::string, std::string>> properties{
        {"length", std::to_string(length)},
        {"eof", "pause"},
        {"resource", path_for_project(placed.wav)},
        {"mlt_service", is_shotcut() ? "avformat-novalidate" : "avformat"},
        {"seekable", "1"},
        {"audio_index", "0"},
        {"video_index", "-1"},
        {"mute_on_pause", "0"}};
    if (is_shotcut()) {
        properties.emplace_back("shotcut:caption", std::filesystem::path(placed.wav).filename().string());
    }
    for (const auto &pair : memory(placed)) {
        properties.push_back(pair);
    }
    text_.insert_before(service(playlist), "<" + element + " id=\"" + id + "\" " +
                                               (is_chain ? "" : "in=\"" + clock_.write(0) + "\" ") + "out=\"" +
                                               clock_.write(length - 1) + "\">\n" + property_lines(properties) + "</" +
                                               element + ">");
    return id;
}

void MltProject::refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) {
    const pugi::xml_node hash = property_node(producer, "shotcut:hash");
    if (hash && property(producer, "kinescore:key") != placed.key) {
        text_.erase(hash); // of the previous file
    }
    refresh_element(producer, placed, length);
}

void MltProject::remove_producer(pugi::xml_node producer) { text_.erase(producer); }

std::string MltProject::entry_of(const std::string &producer, Frames length) const {
    return entry_start(producer, length) + "/>";
}

std::vector<std::pair<pugi::xml_node, std::string>> MltProject::ends() const {
    const pugi::xml_node main = timeline();
    std::vector<std::pair<pugi::xml_node, std::string>> ends;
    if (is_named(main, "tractor") && main.attribute("out")) {
        ends.emplace_back(main, "out");
    }
    const pugi::xml_node entry = is_shotcut() ? service("background").child("entry") : pugi::xml_node();
    if (const pugi::xml_node black = entry ? played_by(entry) : pugi::xml_node()) {
        ends.emplace_back(entry, "out");
        ends.emplace_back(black, "out");
        ends.emplace_back(property_node(black, "length"), "");
    }
    return ends;
}

} // namespace kinescore::bridge
