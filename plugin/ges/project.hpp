/*
 * An .xges file that another program may save again at any time.
 */
#ifndef KINESCORE_GES_PROJECT_HPP
#define KINESCORE_GES_PROJECT_HPP

#include "ges.hpp"

#include <gio/gio.h>
#include <memory>
#include <string>

namespace kinescore::ges {

/// A project's file as a timeline that reports each save of the file as an edit, and is then read
/// again. Must be used on the thread that runs GLib's main loop.
class WatchedProject : public bridge::Timeline {
public:
    /// Throws Problem (input).
    explicit WatchedProject(const std::string &path);
    ~WatchedProject() override;

    /// Reads the file again if it has changed. Throws Problem (input).
    std::vector<bridge::TimelineItem> items() override;
    std::vector<bridge::Marker> markers() override { return timeline_->markers(); }
    std::vector<bridge::Placed> ours() override { return timeline_->ours(); }
    void place(const bridge::Placed &placed) override { timeline_->place(placed); }
    void remove(const std::string &placed_id) override { timeline_->remove(placed_id); }
    void on_change(std::function<void()> changed) override;
    void check_writable() override { timeline_->check_writable(); }
    void save() override;
    std::string sound_folder() const override { return timeline_->sound_folder(); }
    std::string project_path() const override { return timeline_->project_path(); }

private:
    void read();

    std::string path_;
    std::string bytes_; ///< Of the file, when it was last read or saved.
    std::unique_ptr<bridge::GesTimeline> timeline_;
    GFileMonitor *monitor_ = nullptr;
    std::function<void()> changed_;
};

} // namespace kinescore::ges

#endif
