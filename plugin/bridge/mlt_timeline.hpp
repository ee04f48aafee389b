/*
 * The common part of all projects in MLT's XML, whichever editor wrote them: how times are written,
 * what an entry of a playlist plays, and how our sound is put into a playlist that is one of our
 * tracks.
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
    pugi::xml_node producer; ///< Played by an entry; none for a blank or if unknown.
    Frames start = 0;        ///< On the timeline.
    Frames length = 0;       ///< Of all repetitions together.
    Frames in = 0;           ///< On the producer.
    Frames repeat = 1;       ///< How often it is played, one time after the other.
    std::string fault;       ///< Why its position or its length cannot be known; "" if it can.
    bool is_blank = false;
    bool is_open = false;   ///< The project does not contain its length; it is 0 then.
    bool is_beyond = false; ///< Begins after the producer's end.
};

/// Maximum nesting of timelines.
constexpr std::size_t deepest_timelines = 64;

/// Reads the clips of a project that is a clip of this one. Throws Problem if that is not possible.
using NestedReader = std::function<std::vector<TimelineItem>(const std::string &path)>;

/// A playlist that is heard or seen on the timeline.
struct Lane {
    pugi::xml_node playlist; ///< Or anything else that a track plays, if visible.
    std::size_t track = 0; ///< Position among the tracks of the timeline's tractor.
    int video = -1;        ///< Number of its video track; -1 for sound.
};

class MltTimeline : public Timeline {
public:
    std::vector<TimelineItem> items() override;
    std::vector<Placed> ours() override;
    void place(const Placed &placed) override;
    void remove(const std::string &placed_id) override;
    std::string why_no_markers() const override { return ""; }
    void change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override;
    void check_writable() override;
    void save() override;
    std::string sound_folder() const override;
    std::string project_path() const override { return file_.path(); }

    /// The project as it would be saved now.
    const std::string &bytes() const noexcept { return text_.bytes(); }

protected:
    static constexpr const char *media_property = "kinescore:media";

    /// One of our sounds as it is in the project.
    struct Sound {
        Lane lane;
        Piece piece;
    };

    MltTimeline(ProjectFile file, std::vector<std::string> editors, NestedReader nested);

    /// The element that is played.
    virtual pugi::xml_node timeline() const = 0;

    /// All playlists of the timeline, lowest track first.
    virtual std::vector<Lane> lanes() const = 0;

    /// Changes the list of markers. Changes wait for apply().
    virtual void edit_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) = 0;

    /// Adds an audio track with a name that does not exist yet, and one empty playlist with the
    /// given id.
    virtual void add_track(const std::string &name, const std::string &playlist) = 0;

    /// Removes an audio track whose playlist is empty.
    virtual void remove_track(const Lane &lane) = 0;

    /// The name of a track.
    virtual std::string track_name(const Lane &lane) const = 0;

    /// Adds the producer of a sound before the playlist that is going to play it. Returns the
    /// producer's id.
    virtual std::string add_producer(const Placed &placed, Frames length, const std::string &playlist) = 0;

    /// Updates a producer to match the placed sound.
    virtual void refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) = 0;

    /// Removes a producer that nothing plays any more.
    virtual void remove_producer(pugi::xml_node producer) = 0;

    /// An entry of a playlist that plays a whole sound.
    virtual std::string entry_of(const std::string &producer, Frames length) const = 0;

    /// Attributes and properties that contain the end of the timeline; they grow if a sound would
    /// end later.
    virtual std::vector<std::pair<pugi::xml_node, std::string>> ends() const = 0;

    /// Called after the tree was read again.
    virtual void indexed() {}

    /// Called when the last piece of one of our tracks ends elsewhere. Changes wait for apply().
    virtual void resized(const std::string &playlist, Frames length);

    /// The producer in which properties of a clip or sound are searched for if the one that is
    /// played lacks them.
    virtual pugi::xml_node stand_in(pugi::xml_node producer) const;

    /// Applies the changes to the text.
    void apply();

    /// Appends lines after the last child of an element.
    void append(pugi::xml_node parent, const std::string &lines);

    /// The beginning of an entry that plays all of a producer, up to the end of its tag.
    std::string entry_start(const std::string &producer, Frames length) const;

    static bool is_named(pugi::xml_node element, const char *name);
    static std::string property(pugi::xml_node element, const char *name);
    static pugi::xml_node property_node(pugi::xml_node element, const char *name);
    /// The element with an id; the last one if there are several.
    pugi::xml_node service(const std::string &id) const;

    /// The number of elements with an id.
    std::size_t count_of(const std::string &id) const;

    /// Throws Problem if several elements have this id: an edit of one could reach another.
    void check_unique(const std::string &id) const;

    /// An unused id: the stem and a number.
    std::string free_id(const std::string &stem, const std::string &but_not = "") const;

    /// Tracks of a tractor.
    static std::vector<pugi::xml_node> tracks_of(pugi::xml_node tractor);

    /// The element that a track or an entry plays: referenced by its id, or nested in it. Of several
    /// elements with that id it is the last one before the reference, as in MLT.
    pugi::xml_node played_by(pugi::xml_node element) const;

    std::optional<Frames> time(const std::string &text) const { return clock_.read(text); }
    std::vector<Piece> pieces(pugi::xml_node playlist) const;

    /// The length of an element that is played; none if it cannot be determined.
    std::optional<Frames> length_of(pugi::xml_node producer) const;
    bool is_ours(pugi::xml_node producer) const;

    /// Renumbers the tracks in a tractor's transitions from a number on.
    void shift_transitions(pugi::xml_node tractor, std::size_t from, int by);

    /// Updates the element from which a sound is read to match the placed sound.
    void refresh_element(pugi::xml_node producer, const Placed &placed, Frames length);

    /// Whether the project writes producers as chains, like newer programs.
    bool has_chains() const noexcept { return has_chains_; }

    /// Lines of properties, one level deeper than their owner.
    std::string property_lines(const std::vector<std::pair<std::string, std::string>> &properties) const;
    void set_property(pugi::xml_node element, const std::string &name, const std::string &value);

    /// The record of one of our sounds.
    static std::vector<std::pair<std::string, std::string>> memory(const Placed &placed);

    /// A path in the project's notation: relative to its root if it lies below it.
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
        StreamChoice stream;
        std::string unfit;         ///< Why it cannot be given a soundtrack; "" if it can.
        bool is_elsewhere = false; ///< It is unfit only because it is not a file on this computer.
        bool is_project = false;   ///< It is a project, which has its own clips.
        bool has_own_rate = false; ///< Its frames are counted at another rate than the project's.
    };

    /// The visible part of the timeline on which a piece lies, and its position.
    struct View {
        Frames begin = 0;
        Frames end = 0;    ///< (Exclusive.)
        Frames shift = 0;  ///< From its times to those of the outermost timeline.
        int track = 0;     ///< Of the outermost timeline.
        std::vector<pugi::xml_node> around; ///< The timelines that contain it, and itself.
    };

    /// The clips of a project that is a clip of this one, or why there are none.
    struct NestedProject {
        std::vector<TimelineItem> items;
        std::string unfit;
    };

    void index();
    std::optional<Frames> attribute_time(pugi::xml_node element, const char *name) const;
    std::string unreadable_time(pugi::xml_node element, const char *name) const;
    void read_entry(Piece &piece) const;
    std::optional<Frames> natural_length(pugi::xml_node service) const;
    Frames last_of(pugi::xml_node producer) const;
    static bool is_remapped(pugi::xml_node producer);
    std::optional<Media> media_of(const Piece &piece) const;
    std::optional<Media> video_of(pugi::xml_node producer) const;
    StreamChoice stream_of(pugi::xml_node producer) const;
    std::string original_of(pugi::xml_node producer) const;
    std::string name_of(const Piece &piece, const Media &media) const;
    std::vector<Piece> pieces_of(pugi::xml_node played) const;
    std::vector<pugi::xml_node> seen_in(pugi::xml_node timeline) const;
    void show(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const;
    void show_repeated(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const;
    void show_timeline(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const;
    void show_project(const Piece &piece, const Media &media, const View &view,
                      std::vector<TimelineItem> &found) const;
    void add_item(const Piece &piece, const Media &media, const View &view, std::vector<TimelineItem> &found) const;
    const NestedProject &nested_project(const std::string &path) const;
    bool is_cut(const Sound &sound) const;
    std::string file_of(pugi::xml_node producer) const;
    Placed placed_of(const Sound &sound) const;
    std::vector<Sound> sounds() const;
    static std::string id_of(const Sound &sound, const std::vector<Sound> &all);
    Sound find(const std::string &placed_id) const;
    void check_editable(const Sound &sound) const;
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
    mutable std::size_t followed_ = 0; ///< Pieces of nested timelines followed so far.
    mutable std::unordered_map<const void *, std::optional<Frames>> lengths_; ///< Natural lengths, by element.
    mutable std::size_t depth_of_lengths_ = 0;
    std::string root_;
    std::unordered_map<std::string, std::vector<pugi::xml_node>> services_; ///< By id, in the order of the text.
    std::unordered_set<std::string> ids_; ///< Of all elements, and missing ones that something plays.
    bool has_chains_ = false;
};

} // namespace kinescore::bridge

#endif
