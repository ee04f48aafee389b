/*
 * Projects of MLT: those that melt writes and plays (.mlt), and those of Shotcut.
 */
#ifndef KINESCORE_BRIDGE_MLT_HPP
#define KINESCORE_BRIDGE_MLT_HPP

#include "mlt_timeline.hpp"

#include <memory>
#include <vector>

namespace kinescore::bridge {

class MltProject : public MltTimeline {
public:
    /// Whether a file's bytes look like MLT's XML, and not like a project of Kdenlive.
    static bool is(const std::string &bytes);

    /// Throws Problem (input) for a file that cannot be read.
    static std::unique_ptr<MltProject> open(const std::string &path, NestedReader nested = {});

    std::vector<Marker> markers() override;

protected:
    void edit_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override;
    pugi::xml_node timeline() const override { return timeline_without({}); }
    std::vector<Lane> lanes() const override;
    void add_track(const std::string &name, const std::string &playlist) override;
    void remove_track(const Lane &lane) override;
    std::string track_name(const Lane &lane) const override;
    std::string add_producer(const Placed &placed, Frames length, const std::string &playlist) override;
    void refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) override;
    void remove_producer(pugi::xml_node producer) override;
    std::string entry_of(const std::string &producer, Frames length) const override;
    std::vector<std::pair<pugi::xml_node, std::string>> ends() const override;

private:
    MltProject(ProjectFile file, NestedReader nested);

    pugi::xml_node timeline_without(const std::vector<pugi::xml_node> &without) const;
    bool can_unwrap(pugi::xml_node wrapper, pugi::xml_node inner, pugi::xml_node playlist) const;
    bool is_shotcut() const;
    pugi::xml_node wrapped() const;
    bool is_mixed(pugi::xml_node tractor) const;
    void add_lanes(pugi::xml_node tractor, std::size_t first_track, std::vector<Lane> &lanes) const;
    std::string mix_lines(std::size_t track) const;
    std::string playlist_lines(const std::string &name, const std::string &playlist) const;
    void wrap(const std::string &name, const std::string &playlist);
};

} // namespace kinescore::bridge

#endif
