/// What the bridge between Rust and C++ calls.
#ifndef KINESCORE_TIMELINE_PROJECT_HPP
#define KINESCORE_TIMELINE_PROJECT_HPP

#include "../../bridge/reconciler.hpp"
#include "rust/cxx.h"

#include <exception>
#include <memory>
#include <string>

// The kind of a problem goes in front of its sentence.
namespace rust::behavior {
template <typename Try, typename Fail> static void trycatch(Try &&function, Fail &&fail) noexcept try {
    function();
} catch (const kinescore::bridge::Problem &problem) {
    fail(std::to_string(static_cast<int>(problem.kind())) + "|" + problem.what());
} catch (const std::exception &error) {
    fail(error.what());
}
} // namespace rust::behavior

namespace kinescore::bridge::rust {

struct Setting;
struct Item;
struct Order;
struct Outcome;
struct Workshop;

/// What a process has written.
struct Memory {
    Reconciler::Written written;
};

/// A project file.
class Project {
public:
    Project(std::unique_ptr<Timeline> timeline, std::shared_ptr<Memory> memory);

    ::rust::Vec<Item> items();
    void check_writable();
    Outcome add(Workshop &workshop, ::rust::Str item, const ::rust::Vec<Setting> &settings);
    ::rust::Vec<Outcome> refresh(Workshop &workshop);
    ::rust::Vec<Outcome> remove(::rust::Str item);

private:
    std::unique_ptr<Timeline> timeline_;
    std::shared_ptr<Memory> memory_;
};

std::shared_ptr<Memory> new_memory();
std::unique_ptr<Project> open_project(::rust::Str path, const std::shared_ptr<Memory> &memory);

} // namespace kinescore::bridge::rust

#endif
