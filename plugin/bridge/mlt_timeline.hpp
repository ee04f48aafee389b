/*
 * What all projects in MLT's XML have in common, whichever editor wrote them: how times are written, what an entry of a
 * playlist plays, and how sound of ours is put into a playlist that is a track of ours.
 */
#ifndef KINESCORE_BRIDGE_MLT_TIMELINE_HPP
#define KINESCORE_BRIDGE_MLT_TIMELINE_HPP

#include "mlt_clock.hpp"
#include "project_file.hpp"
#include "timeline.hpp"
#include "xml.hpp"

#include <functional>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// A piece of a playlist: an entry, or a blank.
struct Piece {
    pugi::xml_node node;
    pugi::xml_node producer; ///< What an entry plays; none for a blank and where it is unknown.
    Frames start = 0;        ///< On the timeline.
    Frames length = 0;
    Frames in = 0; ///< On the producer.
    bool is_blank = false;
    bool is_open = false;   ///< The project does not say how long it is; its length is 0 then.
    bool is_beyond = false; ///< Begins behind the producer's end.
};

/// How deep timelines may be nested in each other.
constexpr std::size_t deepest_timelines = 64;

/// Reads the clips of a project that is a clip of this one. Throws Problem where that is not possible.
using NestedReader = std::function<std::vector<TimelineItem>(const std::string &path)>;

/// A playlist that is heard or seen on the timeline.
struct Lane {
    pugi::xml_node playlist; ///< Or whatever else a track plays, where it is seen.
    std::size_t track = 0; ///< Place among the tracks of the timeline's tractor.
    int video = -1;        ///< Number of the video track that it belongs to; -1 for sound.
};

class MltTimeline : public Timeline {
public:
    std::vector<TimelineItem> items() override;
    std::vector<Placed> ours() override;
    void place(const Placed &placed) override;
    void remove(const std::string &placed_id) override;
    void check_writable() override;
    void save() override;
    std::string sound_folder() const override;

    /// The project as it would be saved now.
    const std::string &bytes() const noexcept { return text_.bytes(); }

protected:
    static constexpr const char *media_property = "kinescore:media";

    /// A sound of ours as it stands in the project.
    struct Sound {
        Lane lane;
        Piece piece;
    };

    MltTimeline(ProjectFile file, std::vector<std::string> editors, NestedReader nested);

    /// What is played.
    virtual pugi::xml_node timeline() const = 0;

    /// All playlists of the timeline, lowest track first.
    virtual std::vector<Lane> lanes() const = 0;

    /// Makes an audio track of a name that is not there yet, with one empty playlist of an id.
    virtual void add_track(const std::string &name, const std::string &playlist) = 0;

    /// Takes away an audio track, the playlist of which is empty.
    virtual void remove_track(const Lane &lane) = 0;

    /// The name of a track.
    virtual std::string track_name(const Lane &lane) const = 0;

    /// Puts the producer of a sound before the playlist that is going to play it. Returns the producer's id.
    virtual std::string add_producer(const Placed &placed, Frames length, const std::string &playlist) = 0;

    /// Makes a producer agree with what was placed.
    virtual void refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) = 0;

    /// Takes a producer away that nothing plays any more.
    virtual void remove_producer(pugi::xml_node producer) = 0;

    /// An entry of a playlist that plays a whole sound.
    virtual std::string entry_of(const std::string &producer, Frames length) const = 0;

    /// Attributes and properties that say where the timeline ends; they grow where a sound would end later.
    virtual std::vector<std::pair<pugi::xml_node, std::string>> ends() const = 0;

    /// Is told that the tree was read anew.
    virtual void indexed() {}

    /// Is told that the last piece of a track of ours ends elsewhere now. Changes wait for apply().
    virtual void resized(const std::string &playlist, Frames length);

    /// The producer that a clip's or sound's properties are looked for in, where the one that is played lacks them.
    virtual pugi::xml_node stand_in(pugi::xml_node producer) const;

    /// Puts the changes into the text.
    void apply();

    /// Puts lines behind the last element of another one.
    void append(pugi::xml_node parent, const std::string &lines);

    /// The beginning of an entry that plays all of a producer, up to where its tag ends.
    std::string entry_start(const std::string &producer, Frames length) const;

    static bool is_named(pugi::xml_node element, const char *name);
    static std::string property(pugi::xml_node element, const char *name);
    static pugi::xml_node property_node(pugi::xml_node element, const char *name);
    pugi::xml_node service(const std::string &id) const;

    /// An id that nothing has yet: the stem and a number.
    std::string free_id(const std::string &stem, const std::string &but_not = "") const;

    /// Tracks of a tractor.
    static std::vector<pugi::xml_node> tracks_of(pugi::xml_node tractor);

    /// What a track or an entry plays: by its id, or written inside of it.
    pugi::xml_node played_by(pugi::xml_node element) const;

    std::optional<Frames> time(const std::string &text) const { return clock_.read(text); }
    std::vector<Piece> pieces(pugi::xml_node playlist) const;

    /// How long something that is played is; none where that cannot be known.
    std::optional<Frames> length_of(pugi::xml_node producer) const;
    bool is_ours(pugi::xml_node producer) const;

    /// Tracks and transitions of a tractor that are numbered from a number on get other numbers.
    void shift_transitions(pugi::xml_node tractor, std::size_t from, int by);

    /// Makes the element that a sound is read by agree with what was placed.
    void refresh_element(pugi::xml_node producer, const Placed &placed, Frames length);

    /// Whether the project has producers as chains, as newer programs write them.
    bool has_chains() const noexcept { return has_chains_; }

    /// Lines of properties, one level deeper than what they belong to.
    std::string property_lines(const std::vector<std::pair<std::string, std::string>> &properties) const;
    void set_property(pugi::xml_node element, const std::string &name, const std::string &value);

    /// What a sound of ours has to remember.
    static std::vector<std::pair<std::string, std::string>> memory(const Placed &placed);

    /// A path as the project names paths: relative to its root where it lies beneath it.
    std::string path_for_project(const std::string &path) const;
    std::string absolute(const std::string &resource) const;
    std::string media_path_of(const std::string &resource) const;

    ProjectFile file_;
    XmlText text_;
    MltClock clock_;

private:
    struct Media {
        std::string path;
        Ratio speed;
        std::string unfit;         ///< Why it cannot be given a soundtrack; "" where it can.
        bool is_elsewhere = false; ///< It cannot only because it is no file on this computer.
        bool is_project = false;   ///< It is a project, which has clips of its own.
        bool has_own_rate = false; ///< Its frames are not counted as those of this project.
    };

    /// What of the timeline that a piece lies on is seen, and where.
    struct View {
        Frames begin = 0;
        Frames end = 0;    ///< (Exclusive.)
        Frames shift = 0;  ///< From its times to those of the outermost timeline.
        int track = 0;     ///< Of the outermost timeline.
        std::vector<pugi::xml_node> around; ///< The timelines that it is nested in, and itself.
    };

    /// The clips of a project that is a clip of this one, or why there are none.
    struct NestedProject {
        std::vector<TimelineItem> items;
        std::string unfit;
    };

    void index();
    std::optional<Frames> attribute_time(pugi::xml_node element, const char *name) const;
    std::optional<Frames> natural_length(pugi::xml_node service) const;
    Frames last_of(pugi::xml_node producer) const;
    static bool is_remapped(pugi::xml_node producer);
    std::optional<Media> media_of(const Piece &piece) const;
    std::optional<Media> video_of(pugi::xml_node producer) const;
    std::string original_of(pugi::xml_node producer) const;
    std::string name_of(const Piece &piece, const Media &media) const;
    std::vector<Piece> pieces_of(pugi::xml_node played) const;
    std::vector<pugi::xml_node> seen_in(pugi::xml_node timeline) const;
    void show(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const;
    void show_timeline(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const;
    void show_project(const Piece &piece, const Media &media, const View &view,
                      std::vector<TimelineItem> &found) const;
    void add_item(const Piece &piece, const Media &media, const View &view, std::vector<TimelineItem> &found) const;
    const NestedProject &nested_project(const std::string &path) const;
    Placed placed_of(const Sound &sound) const;
    std::vector<Sound> sounds() const;
    static std::string id_of(const Sound &sound, const std::vector<Sound> &all);
    Sound find(const std::string &placed_id) const;
    std::vector<Lane> own_lanes() const;
    std::string lane_for(Frames start, Frames length, const std::string &preferred);
    void put(const std::string &playlist, Frames start, Frames length, const std::string &entry);
    void take(const Sound &sound);
    void move(const Sound &sound, Frames start, Frames length);
    void drop_if_empty(const std::string &playlist);
    void lengthen(Frames end);
    void shorten(pugi::xml_node playlist);

    std::vector<std::string> editors_;
    NestedReader nested_;
    mutable std::map<std::string, NestedProject> nested_projects_; ///< By their paths.
    mutable std::size_t followed_ = 0; ///< Pieces of nested timelines that were looked at.
    mutable std::unordered_map<const void *, std::optional<Frames>> lengths_; ///< Natural ones, by their elements.
    mutable std::size_t depth_of_lengths_ = 0;
    std::string root_;
    std::unordered_map<std::string, pugi::xml_node> services_;
    std::unordered_set<std::string> ids_; ///< Of all elements, and those that something plays which is not there.
    bool has_chains_ = false;
};

} // namespace kinescore::bridge

#endif
