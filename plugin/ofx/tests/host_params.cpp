#include "host_support.hpp"

#include <algorithm>
#include <utility>

namespace kinescore::ofx_test {

namespace {

/// A value in a parameter's own type; whole numbers are numbers too.
template <typename Type> Type converted(const param::Base &parameter, const Value &value) {
    if (const Type *same = std::get_if<Type>(&value)) {
        return *same;
    }
    if constexpr (std::is_same_v<Type, double>) {
        if (const int *whole = std::get_if<int>(&value)) {
            return *whole;
        }
    }
    throw HostError("the parameter " + parameter.getName() + " is a " + parameter.getType() + ": a value of another type was given");
}

/// Values apply to all times: this host has no keyframes.
template <typename Base, typename Type> class Stored : public Base, public Parameter {
public:
    Stored(param::Descriptor &descriptor, Effect &effect, Type first)
        : Base(descriptor, &effect), effect_(effect), value_(std::move(first)) {}

    Value value() const override { return value_; }
    void put(const Value &value) override { value_ = converted<Type>(*this, value); }

    OfxStatus getNumKeys(unsigned int &count) const override {
        count = 0;
        return kOfxStatOK;
    }
    OfxStatus getKeyTime(int, OfxTime &) const override { return kOfxStatErrBadIndex; }
    OfxStatus getKeyIndex(OfxTime, int, int &) const override { return kOfxStatFailed; }
    OfxStatus deleteKey(OfxTime) override { return kOfxStatErrBadIndex; }
    OfxStatus deleteAllKeys() override { return kOfxStatOK; }

protected:
    OfxStatus set_by_plugin(Type value) {
        effect_.parameter_set_by_plugin(this->getName());
        value_ = std::move(value);
        return kOfxStatOK;
    }
    const Type &stored() const { return value_; }

private:
    Effect &effect_;
    Type value_;
};

template <typename Base, typename Type> class Plain : public Stored<Base, Type> {
public:
    using Stored<Base, Type>::Stored;

    OfxStatus get(Type &value) override {
        value = this->stored();
        return kOfxStatOK;
    }
    OfxStatus get(OfxTime, Type &value) override { return get(value); }
    OfxStatus set(Type value) override { return this->set_by_plugin(value); }
    OfxStatus set(OfxTime, Type value) override { return set(value); }
};

class Number : public Plain<param::DoubleInstance, double> {
public:
    using Plain::Plain;

    OfxStatus derive(OfxTime, double &) override { return kOfxStatErrUnsupported; }
    OfxStatus integrate(OfxTime, OfxTime, double &) override { return kOfxStatErrUnsupported; }
};

class Choice : public Plain<param::ChoiceInstance, int> {
public:
    using Plain::Plain;

    void put(const Value &value) override {
        const std::vector<std::string> options = Properties(&getProperties()).texts(kOfxParamPropChoiceOption);
        int number = 0;
        if (const auto *option = std::get_if<std::string>(&value)) {
            number = static_cast<int>(std::find(options.begin(), options.end(), *option) - options.begin());
        } else {
            number = converted<int>(*this, value);
        }
        if (number < 0 || number >= static_cast<int>(options.size())) {
            throw HostError("the choice " + getName() + " has no such option; it has " + std::to_string(options.size()));
        }
        Plain::put(number);
    }

    OfxStatus set(int value) override {
        if (value < 0 || value >= getProperties().getDimension(kOfxParamPropChoiceOption)) {
            return kOfxStatErrValue;
        }
        return Plain::set(value);
    }
};

template <typename Base> class Text : public Stored<Base, std::string> {
public:
    using Stored<Base, std::string>::Stored;

    OfxStatus get(std::string &value) override {
        value = this->stored();
        return kOfxStatOK;
    }
    OfxStatus get(OfxTime, std::string &value) override { return get(value); }
    OfxStatus set(const char *value) override { return value == nullptr ? kOfxStatErrValue : this->set_by_plugin(value); }
    OfxStatus set(OfxTime, const char *value) override { return set(value); }
};

} // namespace

param::Instance *make_parameter(param::Descriptor &descriptor, Effect &effect) {
    const std::string &type = descriptor.getType();
    const OFX::Host::Property::Set &properties = descriptor.getProperties();
    const auto whole = [&] { return properties.getIntProperty(kOfxParamPropDefault); };
    const auto text = [&] { return properties.getStringProperty(kOfxParamPropDefault); };
    if (type == kOfxParamTypeBoolean) {
        return new Plain<param::BooleanInstance, bool>(descriptor, effect, whole() != 0);
    }
    if (type == kOfxParamTypeInteger) {
        return new Plain<param::IntegerInstance, int>(descriptor, effect, whole());
    }
    if (type == kOfxParamTypeDouble) {
        return new Number(descriptor, effect, properties.getDoubleProperty(kOfxParamPropDefault));
    }
    if (type == kOfxParamTypeChoice) {
        return new Choice(descriptor, effect, whole());
    }
    if (type == kOfxParamTypeString) {
        return new Text<param::StringInstance>(descriptor, effect, text());
    }
    if (type == kOfxParamTypeCustom) {
        return new Text<param::CustomInstance>(descriptor, effect, text());
    }
    if (type == kOfxParamTypePushButton) {
        return new param::PushbuttonInstance(descriptor, &effect);
    }
    if (type == kOfxParamTypeGroup) {
        return new param::GroupInstance(descriptor, &effect);
    }
    if (type == kOfxParamTypePage) {
        return new param::PageInstance(descriptor, &effect);
    }
    return nullptr;
}

bool is_supported_type(const std::string &type, const HostTraits &traits) {
    if (type == kOfxParamTypeString || type == kOfxParamTypeCustom) {
        return traits.string_parameters;
    }
    for (const char *known : {kOfxParamTypeBoolean, kOfxParamTypeInteger, kOfxParamTypeDouble, kOfxParamTypeChoice,
                              kOfxParamTypePushButton, kOfxParamTypeGroup, kOfxParamTypePage}) {
        if (type == known) {
            return true;
        }
    }
    return false;
}

} // namespace kinescore::ofx_test
