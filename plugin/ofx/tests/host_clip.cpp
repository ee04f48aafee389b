#include "host_support.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace kinescore::ofx_test {

namespace {

constexpr unsigned char gap = 0xcd; ///< Between rows.

const std::pair<Depth, const char *> depths[] = {{Depth::u8, kOfxBitDepthByte},
                                                 {Depth::u16, kOfxBitDepthShort},
                                                 {Depth::f16, kOfxBitDepthHalf},
                                                 {Depth::f32, kOfxBitDepthFloat}};

const std::pair<Components, const char *> components_table[] = {{Components::rgba, kOfxImageComponentRGBA},
                                                                {Components::rgb, kOfxImageComponentRGB},
                                                                {Components::alpha, kOfxImageComponentAlpha}};

/// IEEE 754 binary16, to the nearest, of a number from 0 to 1.
std::uint16_t half_of(double value) {
    if (value < std::ldexp(1.0, -14)) {
        return static_cast<std::uint16_t>(std::lrint(std::ldexp(value, 24)));
    }
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent); // 0.5 to 1
    // A fraction that is rounded up to 1 carries into the exponent, as it should.
    return static_cast<std::uint16_t>(((exponent + 14) << 10) + std::lrint((fraction * 2.0 - 1.0) * 1024.0));
}

template <typename Type> void store(Type value, unsigned char *&to) {
    std::memcpy(to, &value, sizeof value);
    to += sizeof value;
}

void store_value(double value, Depth depth, unsigned char *&to) {
    value = std::clamp(value, 0.0, 1.0);
    switch (depth) {
    case Depth::u8:
        return store(static_cast<std::uint8_t>(std::lrint(value * 255.0)), to);
    case Depth::u16:
        return store(static_cast<std::uint16_t>(std::lrint(value * 65535.0)), to);
    case Depth::f16:
        return store(half_of(value), to);
    case Depth::f32:
        return store(static_cast<float>(value), to);
    }
}

std::size_t channels(Components components) {
    switch (components) {
    case Components::rgba:
        return 4;
    case Components::rgb:
        return 3;
    case Components::alpha:
        break;
    }
    return 1;
}

std::size_t channel_bytes(Depth depth) {
    switch (depth) {
    case Depth::u8:
        return 1;
    case Depth::u16:
    case Depth::f16:
        return 2;
    case Depth::f32:
        break;
    }
    return 4;
}

} // namespace

const char *name_of(Depth depth) {
    return std::find_if(std::begin(depths), std::end(depths), [&](const auto &known) { return known.first == depth; })->second;
}

const char *name_of(Components components) {
    return std::find_if(std::begin(components_table), std::end(components_table), [&](const auto &known) {
               return known.first == components;
           })->second;
}

Depth depth_of(const std::string &name) {
    for (const auto &[depth, known] : depths) {
        if (name == known) {
            return depth;
        }
    }
    throw HostError("a clip has the pixel depth \"" + name + "\": the plugin supports none that the host has");
}

Components components_of(const std::string &name) {
    for (const auto &[components, known] : components_table) {
        if (name == known) {
            return components;
        }
    }
    throw HostError("a clip has the components \"" + name + "\": the plugin supports none that the host has");
}

Picture::Picture(int width, int height, Depth depth, Components components)
    : width(width), height(height), depth(depth), components(components), bytes(row_bytes() * static_cast<std::size_t>(height)) {}

std::size_t Picture::pixel_bytes() const { return channels(components) * channel_bytes(depth); }

void Picture::set(int x, int y, const Colour &colour) {
    unsigned char *to = bytes.data() + static_cast<std::size_t>(y) * row_bytes() + static_cast<std::size_t>(x) * pixel_bytes();
    if (components != Components::alpha) {
        store_value(colour.red, depth, to);
        store_value(colour.green, depth, to);
        store_value(colour.blue, depth, to);
    }
    if (components != Components::rgb) {
        store_value(colour.alpha, depth, to);
    }
}

std::uint64_t Picture::checksum() const {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char byte : bytes) {
        hash = (hash ^ byte) * 0x100000001b3;
    }
    return hash;
}

bool Picture::operator==(const Picture &other) const {
    return width == other.width && height == other.height && depth == other.depth && components == other.components &&
           bytes == other.bytes;
}

void paint_default(int t, Picture &picture) {
    const int white = ((t % picture.height) + picture.height) % picture.height;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            const Colour slope{x / (picture.width + 0.0), y / (picture.height + 0.0), (t % 100) / 100.0, (1 + (x + y + t) % 200) / 200.0};
            picture.set(x, y, y == white ? Colour{1.0, 1.0, 1.0, 1.0} : slope);
        }
    }
}

Pixels::Pixels(const Picture &picture, const HostTraits &traits)
    : form_(picture), top_down_(traits.rows == RowOrder::top_down), padding_(static_cast<std::size_t>(traits.row_padding)),
      memory_(stride() * static_cast<std::size_t>(picture.height), gap) {
    form_.bytes.clear();
    for (int y = 0; y < form_.height; ++y) {
        const auto from = picture.bytes.begin() + static_cast<std::ptrdiff_t>(form_.row_bytes()) * y;
        std::copy_n(from, form_.row_bytes(), memory_.begin() + (row(y) - memory_.data()));
    }
}

std::size_t Pixels::stride() const { return form_.row_bytes() + padding_; }

const unsigned char *Pixels::row(int y) const {
    return memory_.data() + stride() * static_cast<std::size_t>(top_down_ ? y : form_.height - 1 - y);
}

unsigned char *Pixels::lowest_row() { return memory_.data() + (row(form_.height - 1) - memory_.data()); }

int Pixels::row_bytes() const { return static_cast<int>(stride()) * (top_down_ ? -1 : 1); }

Picture Pixels::picture() const {
    Picture picture = form_;
    for (int y = 0; y < form_.height; ++y) {
        picture.bytes.insert(picture.bytes.end(), row(y), row(y) + form_.row_bytes());
    }
    return picture;
}

bool Pixels::padding_is_whole() const {
    for (int y = 0; y < form_.height; ++y) {
        const unsigned char *from = row(y) + form_.row_bytes();
        if (!std::all_of(from, from + padding_, [](unsigned char byte) { return byte == gap; })) {
            return false;
        }
    }
    return true;
}

namespace {

/// A picture lent to the plugin.
class Image : public support::Image {
public:
    Image(Clip &clip, Effect &effect, const std::string &name, std::shared_ptr<Pixels> pixels)
        : support::Image(clip, 1.0, 1.0, pixels->lowest_row(), area(*pixels), area(*pixels), pixels->row_bytes(), kOfxImageFieldNone, name),
          effect_(effect), name_(name), is_output_(pixels == effect.output), pixels_(std::move(pixels)) {
        if (!is_output_) {
            before_ = pixels_->picture();
        }
        if (!effect.traits.pixel_aspect) {
            remove(kOfxImagePropPixelAspectRatio);
        }
        effect_.image_lent(this);
    }

    ~Image() override {
        effect_.image_back(this);
        if (!pixels_->padding_is_whole()) {
            effect_.violation(name_ + " was written to between its rows");
        }
        if (!is_output_ && !(pixels_->picture() == before_)) {
            effect_.violation(name_ + " was written to, which is not an output");
        }
    }

private:
    static OfxRectI area(const Pixels &pixels) { return {0, 0, pixels.form().width, pixels.form().height}; }

    void remove(const char *property) {
        const auto found = _props.find(property);
        if (found != _props.end()) {
            delete found->second;
            _props.erase(found);
        }
    }

    Effect &effect_;
    std::string name_;
    bool is_output_;
    std::shared_ptr<Pixels> pixels_;
    Picture before_;
};

} // namespace

Clip::Clip(Effect &effect, support::ClipDescriptor &descriptor)
    : support::ClipInstance(&effect, descriptor), effect_(effect), own_depth_(name_of(effect.traits.depth)),
      own_components_(name_of(effect.traits.components)) {}

bool Clip::is_source() const { return getName() == kOfxImageEffectSimpleSourceClipName; }

Picture Clip::picture(double t) const {
    Picture picture(effect_.source.width, effect_.source.height, depth_of(getPixelDepth()), components_of(getComponents()));
    effect_.source.painter(static_cast<int>(std::floor(t)), picture);
    return picture;
}

const std::string &Clip::getUnmappedBitDepth() const {
    static const std::string none = kOfxBitDepthNone;
    return getConnected() ? own_depth_ : none;
}

const std::string &Clip::getUnmappedComponents() const {
    static const std::string none = kOfxImageComponentNone;
    return getConnected() ? own_components_ : none;
}

const std::string &Clip::getPremult() const {
    static const std::string opaque = kOfxImageOpaque;
    static const std::string plain = kOfxImageUnPreMultiplied;
    return effect_.traits.components == Components::rgb ? opaque : plain;
}

double Clip::getAspectRatio() const { return effect_.source.pixel_aspect; }

double Clip::getFrameRate() const { return effect_.source.fps; }

void Clip::getFrameRange(double &first, double &last) const {
    first = effect_.source.first;
    last = effect_.source.last;
}

const std::string &Clip::getFieldOrder() const {
    static const std::string none = kOfxImageFieldNone;
    return none;
}

bool Clip::getConnected() const { return isOutput() || (is_source() && effect_.source.connected); }

double Clip::getUnmappedFrameRate() const { return getFrameRate(); }

void Clip::getUnmappedFrameRange(double &first, double &last) const { getFrameRange(first, last); }

bool Clip::getContinuousSamples() const { return false; }

std::optional<double> Clip::time_shown(double asked) const {
    const double current = effect_.rendering.value_or(effect_.time);
    if (asked != current && effect_.traits.other_frames != OtherFrames::given) {
        return effect_.traits.other_frames == OtherFrames::current ? std::optional(current) : std::nullopt;
    }
    const bool is_there = asked >= effect_.source.first && asked <= effect_.source.last;
    return is_there ? std::optional(asked) : std::nullopt;
}

support::Image *Clip::getImage(OfxTime time, const OfxRectD *) {
    const std::optional<double> shown = time_shown(time);
    std::shared_ptr<Pixels> pixels;
    if (isOutput()) {
        pixels = effect_.output;
    } else if (getConnected() && shown) {
        pixels = std::make_shared<Pixels>(picture(*shown), effect_.traits);
    }
    {
        const std::lock_guard lock(effect_.mutex);
        effect_.fetches.push_back({getName(), time, pixels != nullptr});
    }
    if (pixels == nullptr) {
        return nullptr;
    }
    return new Image(*this, effect_, getName() + "@" + OFX::Host::Property::castToString(time), std::move(pixels));
}

OfxRectD Clip::getRegionOfDefinition(OfxTime) const {
    return {0.0, 0.0, effect_.source.width * effect_.source.pixel_aspect, static_cast<double>(effect_.source.height)};
}

double Clip::getDoubleProperty(const std::string &name, int index) const {
    const HostTraits &traits = effect_.traits;
    const bool is_range = name == kOfxImageEffectPropFrameRange || name == kOfxImageEffectPropUnmappedFrameRange;
    const bool is_rate = name == kOfxImageEffectPropFrameRate || name == kOfxImageEffectPropUnmappedFrameRate;
    if ((is_range && !traits.frame_range) || (is_rate && !traits.frame_rate) ||
        (name == kOfxImagePropPixelAspectRatio && !traits.pixel_aspect)) {
        throw OFX::Host::Property::Exception(kOfxStatErrUnknown);
    }
    if (index < 0 || index > (is_range ? 1 : 0)) {
        throw OFX::Host::Property::Exception(kOfxStatErrBadIndex);
    }
    return ClipInstance::getDoubleProperty(name, index);
}

void Clip::getDoublePropertyN(const std::string &name, double *values, int count) const {
    for (int index = 0; index < count; ++index) {
        values[index] = getDoubleProperty(name, index);
    }
}

void Clip::getIntPropertyN(const std::string &name, int *values, int count) const {
    for (int index = 0; index < count; ++index) {
        values[index] = getIntProperty(name, index);
    }
}

} // namespace kinescore::ofx_test
