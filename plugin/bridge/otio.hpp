/*
 * OpenTimelineIO files (.otio): the exchange format that many editors read and write.
 *
 * Everything else stays byte for byte: only the text of tracks that hold our sound is written
 * again. Our clips have metadata "kinescore": the key and settings of the sound, and the media, in,
 * out, start (flicks), speed and track that it was made for.
 */
#ifndef KINESCORE_BRIDGE_OTIO_HPP
#define KINESCORE_BRIDGE_OTIO_HPP

#include "project_file.hpp"
#include "timeline.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// A timeline in an OpenTimelineIO file.
///
/// Clips in nested stacks are listed where they are seen on the timeline.
class OtioProject : public Timeline {
public:
    /// Whether a file's bytes look like OpenTimelineIO, of any schema.
    static bool is(const std::string &bytes);

    /// Opens a file's timeline; in a collection of several, the one with a name or a number, from
    /// 1. Throws Problem: `input` for a file that is not a timeline, or whose clips cannot be
    /// determined; `usage` if the choice of the timeline is missing or wrong.
    static std::unique_ptr<OtioProject> open(const std::string &path, const std::string &timeline = "");

    /// The timeline of a bundle that is one file (.otioz), which is only read: `content` is its
    /// content.otio. Media in the bundle have paths as if it were a folder.
    static std::unique_ptr<OtioProject> of_bundle(const std::string &path, const std::string &content,
                                                  const std::string &timeline = "");

    ~OtioProject() override;

    std::vector<TimelineItem> items() override;
    std::vector<Marker> markers() override;
    std::vector<Placed> ours() override;
    void place(const Placed &placed) override;
    void remove(const std::string &placed_id) override;
    std::string why_no_markers() const override { return ""; }
    void change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override;
    void check_writable() override { file_.check_writable({}); }
    void save() override;
    std::string sound_folder() const override { return file_.sound_folder(); }
    std::string project_path() const override { return file_.path(); }

    /// The file as `save` writes it.
    std::string text() const;

private:
    struct Model;

    OtioProject(ProjectFile file, const std::string &timeline);

    std::string text_of_tracks() const;

    ProjectFile file_;
    std::string timeline_; ///< The wanted one, as given to `open`.
    std::unique_ptr<Model> model_;
    std::vector<Marker> removed_markers_; ///< Since the project was read.
    std::vector<Marker> added_markers_;
};

} // namespace kinescore::bridge

#endif
