/*
 * Projects of Kdenlive (.kdenlive): of 22.12 and earlier, where a project is one timeline, and of
 * 23.04 and later, where it has sequences; the timeline is the sequence that the project shows and
 * plays.
 */
#ifndef KINESCORE_BRIDGE_KDENLIVE_HPP
#define KINESCORE_BRIDGE_KDENLIVE_HPP

#include "mlt_timeline.hpp"

#include <memory>

namespace kinescore::bridge {

class KdenliveProject : public MltTimeline {
public:
    /// Whether a file's bytes look like a project of Kdenlive.
    static bool is(const std::string &bytes);

    /// Throws Problem (input) for a file that cannot be read.
    static std::unique_ptr<KdenliveProject> open(const std::string &path, NestedReader nested = {});

    std::vector<Marker> markers() override;

protected:
    void edit_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override;
    pugi::xml_node timeline() const override;
    std::vector<Lane> lanes() const override;
    void add_track(const std::string &name, const std::string &playlist) override;
    void remove_track(const Lane &lane) override;
    std::string track_name(const Lane &lane) const override;
    std::string add_producer(const Placed &placed, Frames length, const std::string &playlist) override;
    void refresh_producer(pugi::xml_node producer, const Placed &placed, Frames length) override;
    void remove_producer(pugi::xml_node producer) override;
    std::string entry_of(const std::string &producer, Frames length) const override;
    std::vector<std::pair<pugi::xml_node, std::string>> ends() const override;
    void resized(const std::string &playlist, Frames length) override;
    pugi::xml_node stand_in(pugi::xml_node producer) const override;
    void indexed() override;

private:
    KdenliveProject(ProjectFile file, NestedReader nested);

    pugi::xml_node wrapper() const;
    bool has_sequences() const;
    pugi::xml_node guides() const;
    pugi::xml_node bin() const { return service("main_bin"); }
    std::string free_bin_id() const;
    std::string producer_lines(const Placed &placed, Frames length, const std::string &id, const std::string &bin_id,
                               bool is_in_bin) const;
    void shift_tracks(std::size_t from, int by);

    std::unordered_map<std::string, pugi::xml_node> in_bin_; ///< Producers in the bin by their kdenlive:id.
};

} // namespace kinescore::bridge

#endif
