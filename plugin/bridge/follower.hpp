/*
 * Follows the edits of a running editor: waits until the user pauses, makes sound off the editor's
 * thread, and places it on that thread.
 */
#ifndef KINESCORE_BRIDGE_FOLLOWER_HPP
#define KINESCORE_BRIDGE_FOLLOWER_HPP

#include "reconciler.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace kinescore::bridge {

/// Keeps the sound on a timeline in line with its clips for as long as the object lives.
class Follower {
public:
    /// Has a function called on the editor's thread, soon. It may be dropped if the editor is
    /// ending.
    using Post = std::function<void(std::function<void()>)>;

    /// Called on the editor's thread with the results.
    using Report = std::function<void(const std::vector<Result> &)>;

    /// Follows the timeline's edits from now on. Must be created and destroyed on the editor's
    /// thread; the destructor waits until the render in progress is cancelled.
    Follower(Timeline &timeline, Maker &maker, Post post, Report report,
             std::chrono::milliseconds rest = std::chrono::milliseconds(400));
    ~Follower();
    Follower(const Follower &) = delete;
    Follower &operator=(const Follower &) = delete;

    /// Reports an edit, on any thread. Sound in progress for the previous state of the clips is
    /// cancelled.
    void changed();

private:
    struct Shared;
    void run();
    bool wait_for_rest();
    bool follow();
    bool on_editor(const std::function<void()> &function);
    bool report_failure(Problem::Kind kind, const std::string &sentence);

    Timeline &timeline_;
    Reconciler reconciler_;
    Post post_;
    Report report_;
    std::chrono::milliseconds rest_;
    std::shared_ptr<Shared> shared_;
    std::thread worker_;
};

} // namespace kinescore::bridge

#endif
