#include "project.hpp"

#include "ges_file.hpp"
#include "project_file.hpp"

#include <utility>

namespace kinescore::ges {

using bridge::Problem;
using bridge::ProjectFile;

WatchedProject::WatchedProject(const std::string &path) : path_(ProjectFile(path).path()) { read(); }

WatchedProject::~WatchedProject() {
    if (monitor_ != nullptr) {
        g_signal_handlers_disconnect_by_data(monitor_, this);
        g_object_unref(monitor_);
    }
}

void WatchedProject::read() {
    std::string bytes = ProjectFile(path_).bytes();
    if (!timeline_ || bytes != bytes_) {
        // If this fails, the timeline read before is kept, and the next save is another attempt.
        timeline_ = bridge::GesTimeline::open(path_);
        bytes_ = std::move(bytes);
    }
}

std::vector<bridge::TimelineItem> WatchedProject::items() {
    read();
    return timeline_->items();
}

void WatchedProject::save() {
    timeline_->save();
    bytes_ = ProjectFile(path_).bytes();
}

void WatchedProject::on_change(std::function<void()> changed) {
    changed_ = std::move(changed);
    if (monitor_ != nullptr) {
        return;
    }
    const bridge::Ref<GFile> file(g_file_new_for_path(path_.c_str()));
    bridge::GErrorOwner fault;
    monitor_ = g_file_monitor_file(file.get(), G_FILE_MONITOR_WATCH_MOVES, nullptr, fault.out());
    if (monitor_ == nullptr) {
        throw Problem(Problem::Kind::input, path_ + ": cannot be watched: " + fault.sentence());
    }
    g_signal_connect_swapped(monitor_, "changed", G_CALLBACK(+[](WatchedProject *project) {
                                 if (project->changed_) {
                                     project->changed_();
                                 }
                             }),
                             this);
}

} // namespace kinescore::ges
