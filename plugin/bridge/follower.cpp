#include "follower.hpp"

namespace kinescore::bridge {

/// State that posted functions may use after the follower is gone.
struct Follower::Shared {
    std::mutex mutex;
    std::condition_variable woken;
    /// Incremented with every edit.
    std::uint64_t edits = 0;
    bool ending = false;
};

Follower::Follower(Timeline &timeline, Maker &maker, Post post, Report report, std::chrono::milliseconds rest)
    : timeline_(timeline), reconciler_(timeline, maker), post_(std::move(post)), report_(std::move(report)),
      rest_(rest), shared_(std::make_shared<Shared>()) {
    // The callback outlives the follower if an adapter keeps it.
    const std::weak_ptr<Shared> weak = shared_;
    timeline_.on_change([weak] {
        if (const auto shared = weak.lock()) {
            const std::lock_guard<std::mutex> lock(shared->mutex);
            ++shared->edits;
            shared->woken.notify_all();
        }
    });
    worker_ = std::thread([this] { run(); });
}

Follower::~Follower() {
    {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        shared_->ending = true;
        shared_->woken.notify_all();
    }
    worker_.join();
    timeline_.on_change({});
}

void Follower::changed() {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    ++shared_->edits;
    shared_->woken.notify_all();
}

/// Waits for an edit, then until none has come for a while; returns false at the end.
bool Follower::wait_for_rest() {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->woken.wait(lock, [&] { return shared_->ending || shared_->edits > 0; });
    std::uint64_t seen = 0;
    while (!shared_->ending && shared_->edits != seen) {
        seen = shared_->edits;
        shared_->woken.wait_for(lock, rest_, [&] { return shared_->ending || shared_->edits != seen; });
    }
    shared_->edits = 0;
    return !shared_->ending;
}

/// Has a function called on the editor's thread and waits for it; returns false if it will not be
/// called any more. The follower is destroyed on that thread too, so a function never runs while it
/// is being destroyed.
bool Follower::on_editor(const std::function<void()> &function) {
    struct Call {
        bool finished = false;
        std::exception_ptr thrown;
    };
    const auto call = std::make_shared<Call>();
    post_([shared = shared_, call, function] {
        {
            const std::lock_guard<std::mutex> lock(shared->mutex);
            if (shared->ending) {
                return; // nobody waits any more, and the function's data may be gone
            }
        }
        try {
            function();
        } catch (...) {
            call->thrown = std::current_exception();
        }
        const std::lock_guard<std::mutex> lock(shared->mutex);
        call->finished = true;
        shared->woken.notify_all();
    });
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->woken.wait(lock, [&] { return shared_->ending || call->finished; });
    if (call->finished && call->thrown) {
        std::rethrow_exception(call->thrown);
    }
    return call->finished;
}

/// Brings the timeline up to date once; returns false at the end.
bool Follower::follow() {
    std::vector<Task> tasks;
    if (!on_editor([&] { tasks = reconciler_.look(); })) {
        return false;
    }
    reconciler_.work(tasks, [&](double) {
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        return !shared_->ending && shared_->edits == 0;
    });
    return on_editor([&] {
        const std::vector<Result> results = reconciler_.apply(tasks);
        if (report_) {
            report_(results);
        }
    });
}

/// Reports a failure on the editor's thread; returns false at the end.
bool Follower::report_failure(Problem::Kind kind, const std::string &sentence) {
    Result failed;
    failed.what = Result::What::failed;
    failed.kind = kind;
    failed.sentence = sentence;
    try {
        return !report_ || on_editor([&] { report_({failed}); });
    } catch (...) {
        return true; // an exception of the editor's own function must not end the editor
    }
}

void Follower::run() {
    while (wait_for_rest()) {
        try {
            if (!follow()) {
                return;
            }
        } catch (const Problem &problem) {
            // Cancelled: another edit has come, or the end.
            if (problem.kind() != Problem::Kind::cancelled && !report_failure(problem.kind(), problem.what())) {
                return;
            }
        } catch (const std::exception &error) {
            // An exception that leaves the thread would end the editor.
            if (!report_failure(Problem::Kind::core, error.what())) {
                return;
            }
        } catch (...) {
            if (!report_failure(Problem::Kind::core, "a fault of the plugin itself")) {
                return;
            }
        }
    }
}

} // namespace kinescore::bridge
