#include "kdenlive.hpp"

#include "markers.hpp"
#include "ratio.hpp"
#include "xml.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr const char *guides_of_sequence = "kdenlive:sequenceproperties.guides";
constexpr const char *guides_of_project = "kdenlive:docproperties.guides";

/// Whether a text is a whole number in the range of tracks or clips; others have no meaning and are
/// left unchanged.
bool is_whole(const std::string &text, std::int64_t &value) {
    constexpr std::int64_t most = 1'000'000'000;
    const auto number = whole_number(text);
    const bool is_usual = number && *number >= -most && *number <= most;
    value = is_usual ? *number : value;
    return is_usual;
}

/// Groups name their clips as "track:frame...", in JSON: shifts the numbers of tracks from `from`
/// on.
std::string shifted_groups(const std::string &json, std::int64_t from, int by) {
    std::string result;
    std::size_t at = 0;
    for (std::size_t key = json.find("data"); key != std::string::npos; key = json.find("data", key + 1)) {
        std::size_t begin = json.find(':', key);
        begin = begin == std::string::npos ? begin : json.find_first_of("-0123456789,}]", begin);
        const std::size_t end = begin == std::string::npos ? begin : json.find_first_not_of("-0123456789", begin);
        std::int64_t track = 0;
        if (end == std::string::npos || json[end] != ':' || !is_whole(json.substr(begin, end - begin), track) ||
            track < from) {
            continue;
        }
        result.append(json, at, begin - at);
        result += std::to_string(track + by);
        at = end;
    }
    return result + json.substr(std::min(at, json.size()));
}

/// An id in the form of a UUID that is always the same for the same text.
std::string uuid_of(const std::string &text) {
    const auto hash = [&](std::uint64_t value) {
        for (const char character : text) { // FNV-1a
            value = (value ^ static_cast<unsigned char>(character)) * 0x100000001B3u;
        }
        return value ^ (value >> 29);
    };
    const std::uint64_t high = (hash(0xCBF29CE484222325u) & ~std::uint64_t(0xF000)) | 0x8000u;
    const std::uint64_t low = (hash(0x9AE16A3B2F90404Fu) & ~(std::uint64_t(3) << 62)) | (std::uint64_t(2) << 62);
    std::array<char, 64> id{};
    std::snprintf(id.data(), id.size(), "{%08x-%04x-%04x-%04x-%012llx}", static_cast<unsigned>(high >> 32),
                  static_cast<unsigned>(high >> 16 & 0xFFFF), static_cast<unsigned>(high & 0xFFFF),
                  static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFu));
    return id.data();
}

std::string size_of(const std::string &path) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? "0" : std::to_string(size);
}

} // namespace

bool KdenliveProject::is(const std::string &bytes) {
    return bytes.substr(0, 8192).find("<mlt") != std::string::npos &&
           bytes.find("kdenlive:docproperties") != std::string::npos;
}

std::unique_ptr<KdenliveProject> KdenliveProject::open(const std::string &path, NestedReader nested) {
    return std::unique_ptr<KdenliveProject>(new KdenliveProject(ProjectFile(path), std::move(nested)));
}

KdenliveProject::KdenliveProject(ProjectFile file, NestedReader nested)
    : MltTimeline(std::move(file), {"kdenlive"}, std::move(nested)) {
    indexed();
    if (!bin() || !timeline()) {
        throw Problem(Problem::Kind::input, file_.path() + ": has no " + (bin() ? "timeline" : "bin \"main_bin\"") +
                                                ", and a project of Kdenlive has both");
    }
}

/// The guides of the sequence, or of a project that is one timeline; none if it has none.
pugi::xml_node KdenliveProject::guides() const {
    const pugi::xml_node own = property_node(timeline(), guides_of_sequence);
    const pugi::xml_node whole = property_node(bin(), guides_of_project);
    return own.text().empty() && whole ? whole : own;
}

std::vector<Marker> KdenliveProject::markers() { return guides_of_kdenlive(guides().text().get(), clock_); }

void KdenliveProject::edit_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) {
    if (!guides() && added.empty()) {
        return;
    }
    if (!guides()) {
        set_property(has_sequences() ? timeline() : bin(), has_sequences() ? guides_of_sequence : guides_of_project, "[]");
        apply();
    }
    const pugi::xml_node list = guides();
    const int category = category_of_guides(property(bin(), "kdenlive:docproperties.guidesCategories"));
    const std::string changed =
        changed_guides(text_.raw(list), list.text().get(), clock_, removed, added, category, file_.path());
    // Kdenlive writes a list of a project that is one timeline only if there are guides.
    const bool is_needed = list.parent() != bin() || changed.find('{') != std::string::npos;
    is_needed ? text_.set_raw(list, changed) : text_.erase(list);
}

void KdenliveProject::indexed() {
    in_bin_.clear();
    for (const pugi::xml_node entry : bin().children("entry")) {
        const pugi::xml_node producer = played_by(entry);
        const std::string id = property(producer, "kdenlive:id");
        if (!id.empty()) {
            in_bin_.emplace(id, producer);
        }
    }
}

/// The tractor that is played: the last one.
pugi::xml_node KdenliveProject::wrapper() const {
    pugi::xml_node last;
    for (const pugi::xml_node tractor : text_.root().children("tractor")) {
        last = tractor;
    }
    return last;
}

pugi::xml_node KdenliveProject::timeline() const {
    const pugi::xml_node last = wrapper();
    for (const pugi::xml_node track : tracks_of(last)) {
        const pugi::xml_node sequence = played_by(track);
        if (is_named(sequence, "tractor") && property_node(sequence, "kdenlive:uuid")) {
            return sequence;
        }
    }
    return last;
}

bool KdenliveProject::has_sequences() const {
    return timeline() != wrapper() || property_node(timeline(), "kdenlive:uuid");
}

std::vector<Lane> KdenliveProject::lanes() const {
    std::vector<Lane> lanes;
    int video = 0;
    const std::vector<pugi::xml_node> tracks = tracks_of(timeline());
    for (std::size_t number = 0; number < tracks.size(); ++number) {
        const pugi::xml_node track = played_by(tracks[number]);
        if (!is_named(track, "tractor")) {
            continue; // the black background
        }
        const bool is_sound = property(track, "kdenlive:audio_track") == "1";
        for (const pugi::xml_node half : tracks_of(track)) {
            const std::string hidden = half.attribute("hide").value();
            const bool is_seen = !is_sound && hidden != "video" && hidden != "both";
            if (is_named(played_by(half), "playlist") || (is_seen && played_by(half))) {
                lanes.push_back({played_by(half), number, is_seen ? video : -1});
            }
        }
        video += is_sound ? 0 : 1;
    }
    return lanes;
}

std::string KdenliveProject::track_name(const Lane &lane) const {
    return property(played_by(tracks_of(timeline()).at(lane.track)), "kdenlive:track_name");
}

/// Shifts all references to tracks by number, from `from` on. Kdenlive's own properties count from
/// above the background.
void KdenliveProject::shift_tracks(std::size_t from, int by) {
    shift_transitions(timeline(), from, by);
    const bool is_sequence = has_sequences();
    const pugi::xml_node owner = is_sequence ? timeline() : bin();
    const std::string prefix = is_sequence ? "kdenlive:sequenceproperties." : "kdenlive:docproperties.";
    const std::int64_t first = static_cast<std::int64_t>(from) - 1;
    for (const char *name : {"activeTrack", "audioTarget", "videoTarget"}) {
        const pugi::xml_node node = property_node(owner, (prefix + name).c_str());
        std::int64_t track = 0;
        if (is_whole(node.text().get(), track) && track >= first) {
            text_.set_text(node, std::to_string(track + by));
        }
    }
    for (const char *name : {"tracks", "tracksCount"}) {
        const pugi::xml_node node = property_node(owner, (prefix + name).c_str());
        std::int64_t count = 0;
        if (is_whole(node.text().get(), count) && count > 0) {
            text_.set_text(node, std::to_string(count + by));
        }
    }
    if (const pugi::xml_node groups = property_node(owner, (prefix + "groups").c_str())) {
        text_.set_raw(groups, shifted_groups(text_.raw(groups), first, by));
    }
}

void KdenliveProject::add_track(const std::string &name, const std::string &playlist) {
    const pugi::xml_node main = timeline();
    const std::vector<pugi::xml_node> tracks = tracks_of(main);
    if (tracks.empty()) {
        throw Problem(Problem::Kind::input,
                      file_.path() + ": its timeline has no tracks, and a soundtrack needs a clip");
    }
    // Tracks for sound come first, and the lowest of them is directly above the background.
    shift_tracks(1, 1);
    const std::string second = free_id("playlist", playlist);
    const std::string tractor = free_id("tractor");
    const std::string step = text_.step();
    std::string lines;
    for (const std::string &id : {playlist, second}) {
        lines += "<playlist id=\"" + id + "\">\n" + property_lines({{"kdenlive:audio_track", "1"}}) + "</playlist>\n";
    }
    lines += "<tractor id=\"" + tractor + "\" in=\"" + clock_.write(0) + "\">\n" +
             property_lines({{"kdenlive:audio_track", "1"},
                             {"kdenlive:trackheight", "67"},
                             {"kdenlive:timeline_active", "1"},
                             {"kdenlive:collapsed", "0"},
                             {"kdenlive:track_name", name},
                             {"kdenlive:thumbs_format", ""},
                             {"kdenlive:audio_rec", ""}});
    for (const std::string &id : {playlist, second}) {
        lines += step + "<track hide=\"video\" producer=\"" + id + "\"/>\n";
    }
    text_.insert_before(main, lines + "</tractor>");
    text_.insert_after(tracks.front(), "<track producer=\"" + tractor + "\"/>");
    const std::string mix = "<transition id=\"" + free_id("transition") + "\">\n" +
                            property_lines({{"a_track", "0"},
                                            {"b_track", "1"},
                                            {"mlt_service", "mix"},
                                            {"kdenlive_id", "mix"},
                                            {"internal_added", "237"},
                                            {"always_active", "1"},
                                            {"accepts_blanks", "1"},
                                            {"sum", "1"}}) +
                            "</transition>";
    const pugi::xml_node first = main.child("transition");
    first ? text_.insert_before(first, mix) : text_.insert_after(tracks.back(), mix);
}

void KdenliveProject::remove_track(const Lane &lane) {
    const pugi::xml_node main = timeline();
    const pugi::xml_node track = tracks_of(main).at(lane.track);
    const pugi::xml_node tractor = played_by(track);
    for (const pugi::xml_node transition : main.children("transition")) {
        if (property(transition, "b_track") == std::to_string(lane.track)) {
            text_.erase(transition);
        }
    }
    for (const pugi::xml_node half : tracks_of(tractor)) {
        text_.erase(played_by(half));
    }
    text_.erase(tractor);
    text_.erase(track);
    shift_tracks(lane.track + 1, -1);
}

std::string KdenliveProject::free_bin_id() const {
    std::int64_t highest = 1;
    const auto count = [&](const std::string &text) {
        std::int64_t id = 0;
        highest = is_whole(text, id) ? std::max(highest, id) : highest;
    };
    for (const pugi::xml_node element : text_.root().children()) {
        count(property(element, "kdenlive:id"));
    }
    // Folders are numbered together with the clips: kdenlive:folder.PARENT.ID.
    for (const pugi::xml_node node : bin().children("property")) {
        const std::string name = node.attribute("name").value();
        if (name.compare(0, 16, "kdenlive:folder.") == 0) {
            count(name.substr(name.rfind('.') + 1));
        }
    }
    return std::to_string(highest + 1);
}

std::string KdenliveProject::producer_lines(const Placed &placed, Frames length, const std::string &id,
                                            const std::string &bin_id, bool is_in_bin) const {
    const bool is_chain = has_chains() || has_sequences();
    const std::string element = is_chain ? "chain" : "producer";
    std::vector<std::pair<std::string, std::string>> properties{
        {"length", std::to_string(length)},
        {"eof", "pause"},
        {"resource", path_for_project(placed.wav)},
        {"mlt_service", "avformat-novalidate"},
        {"seekable", "1"},
        {"audio_index", "0"},
        {"video_index", "-1"},
        {"kdenlive:clipname", fs::path(placed.wav).filename().string()},
        {"kdenlive:folderid", "-1"},
        {"kdenlive:id", bin_id},
        // If these differ, Kdenlive considers the clips different, and repairs the project with a
        // message.
        {"kdenlive:control_uuid", uuid_of(placed.wav + "\n" + bin_id)},
        {"kdenlive:clip_type", "1"},
        {"kdenlive:file_size", size_of(placed.wav)}};
    if (!is_in_bin) {
        properties.emplace_back("set.test_audio", "0");
        properties.emplace_back("set.test_image", "1");
    }
    for (const auto &pair : memory(placed)) {
        properties.push_back(pair);
    }
    return "<" + element + " id=\"" + id + "\" " + (is_chain ? "" : "in=\"" + clock_.write(0) + "\" ") + "out=\"" +
           clock_.write(length - 1) + "\">\n" + property_lines(properties) + "</" + element + ">";
}

std::string KdenliveProject::add_producer(const Placed &placed, Frames length, const std::string &playlist) {
    const std::string stem = has_chains() || has_sequences() ? "chain" : "producer";
    const std::string binned = free_id(stem);
    const std::string played = free_id(stem, binned);
    const std::string bin_id = free_bin_id();
    text_.insert_before(bin(), producer_lines(placed, length, binned, bin_id, true));
    text_.insert_before(service(playlist), producer_lines(placed, length, played, bin_id, false));
    append(bin(), entry_start(binned, length) + "/>");
    return played;
}

void KdenliveProject::refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) {
    std::vector<pugi::xml_node> both{producer};
    if (const pugi::xml_node binned = stand_in(producer); binned && binned != producer) {
        both.push_back(binned);
    }
    for (const pugi::xml_node element : both) {
        const pugi::xml_node hash = property_node(element, "kdenlive:file_hash");
        if (hash && property(element, "kinescore:key") != placed.key) {
            text_.erase(hash); // of the previous file
        }
        refresh_element(element, placed, length);
        set_property(element, "kdenlive:file_size", size_of(placed.wav));
    }
    for (const pugi::xml_node entry : bin().children("entry")) {
        if (played_by(entry) != both.back()) {
            continue;
        }
        if (time(entry.attribute("in").value()).value_or(0) != 0) {
            text_.set_attribute(entry, "in", clock_.write(0));
        }
        if (time(entry.attribute("out").value()) != length - 1) {
            text_.set_attribute(entry, "out", clock_.write(length - 1));
        }
    }
}

void KdenliveProject::remove_producer(pugi::xml_node producer) {
    const std::string bin_id = property(producer, "kdenlive:id");
    const pugi::xml_node binned = stand_in(producer);
    text_.erase(producer);
    bool is_used = false;
    for (const pugi::xml_node element : text_.root().children()) {
        is_used = is_used || (element != producer && element != binned && property(element, "kdenlive:id") == bin_id);
    }
    if (!binned || binned == producer || is_used) {
        return;
    }
    text_.erase(binned);
    for (const pugi::xml_node entry : bin().children("entry")) {
        if (played_by(entry) == binned) {
            text_.erase(entry);
        }
    }
}

std::string KdenliveProject::entry_of(const std::string &producer, Frames length) const {
    return entry_start(producer, length) + ">\n" + property_lines({{"kdenlive:id", property(service(producer), "kdenlive:id")}}) + "</entry>";
}

std::vector<std::pair<pugi::xml_node, std::string>> KdenliveProject::ends() const {
    std::vector<std::pair<pugi::xml_node, std::string>> ends;
    const auto add = [&](pugi::xml_node node) {
        if (node.attribute("out")) {
            ends.emplace_back(node, "out");
        }
    };
    const pugi::xml_node main = timeline();
    add(main);
    if (main != wrapper()) {
        add(wrapper());
        for (const pugi::xml_node track : tracks_of(wrapper())) {
            add(track);
        }
    }
    const std::vector<pugi::xml_node> tracks = tracks_of(main);
    const pugi::xml_node black = tracks.empty() ? pugi::xml_node() : played_by(tracks.front());
    if (is_named(black, "producer")) {
        add(black);
    }
    return ends;
}

/// A track that Kdenlive has saved contains its end, and is not played beyond it.
void KdenliveProject::resized(const std::string &playlist, Frames length) {
    for (const pugi::xml_node track : tracks_of(timeline())) {
        const pugi::xml_node tractor = played_by(track);
        for (const pugi::xml_node half : tracks_of(tractor)) {
            if (half.attribute("producer").value() == playlist && tractor.attribute("out") &&
                is_named(tractor, "tractor")) {
                text_.set_attribute(tractor, "out", clock_.write(std::max<Frames>(length - 1, 0)));
            }
        }
    }
}

pugi::xml_node KdenliveProject::stand_in(pugi::xml_node producer) const {
    const std::string id = property(producer, "kdenlive:id");
    const auto found = id.empty() ? in_bin_.end() : in_bin_.find(id);
    return found == in_bin_.end() ? pugi::xml_node() : found->second;
}

} // namespace kinescore::bridge
