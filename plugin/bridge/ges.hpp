/*
 * GStreamer Editing Services: timelines in .xges files, and those of a running editor.
 */
#ifndef KINESCORE_BRIDGE_GES_HPP
#define KINESCORE_BRIDGE_GES_HPP

#include "timeline.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

typedef struct _GESTimeline GESTimeline;

namespace kinescore::bridge {

/// A GESTimeline. Must be used on the thread that edits it.
///
/// Clips on the layer "Soundtrack" carry their key and a record of the clip that they were made for
/// as metadata, which .xges files keep.
class GesTimeline : public Timeline {
public:
    /// Opens an .xges file. Throws Problem (input) if it or one of its media cannot be read: GES
    /// leaves out such clips, and the next save would lose them.
    static std::unique_ptr<GesTimeline> open(const std::string &path);

    /// The timeline of a running editor, which has called ges_init and saves its project itself.
    GesTimeline(GESTimeline *timeline, const std::string &sound_folder);

    ~GesTimeline() override;

    std::vector<TimelineItem> items() override;
    std::vector<Placed> ours() override;
    void place(const Placed &placed) override;
    void remove(const std::string &placed_id) override;
    void on_change(std::function<void()> changed) override;
    void check_writable() override;
    void save() override;
    std::string sound_folder() const override;
    std::string project_path() const override;

    /// The timeline itself; it remains owned by this object.
    GESTimeline *timeline() const noexcept;

private:
    struct Model;

    std::unique_ptr<Model> model_;
};

} // namespace kinescore::bridge

#endif
