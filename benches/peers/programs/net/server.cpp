// The server of the socket workloads on Boost.Asio: echo and ticker.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <boost/asio.hpp>
#include <boost/version.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t ROOM = 1024;
constexpr auto TICK = std::chrono::milliseconds(1);

std::mutex guard;
std::vector<double> lags;

template <class Buffer> class Session : public std::enable_shared_from_this<Session<Buffer>> {
  public:
    Session(tcp::socket socket, Buffer buffer)
        : socket_(std::move(socket)), buffer_(std::move(buffer)) {}

    void read() {
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = this->shared_from_this()](error_code error, std::size_t length) {
                                    if (!error) self->write(length);
                                });
    }

  private:
    void write(std::size_t length) {
        asio::async_write(socket_, asio::buffer(buffer_, length),
                          [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    tcp::socket socket_;
    Buffer buffer_;
};

void accept(tcp::acceptor &acceptor, std::size_t room) {
    acceptor.async_accept([&acceptor, room](error_code error, tcp::socket socket) {
        if (error) {
            std::fprintf(stderr, "%s\n", error.message().c_str());
            std::exit(1);
        }
        if (room == ROOM) {
            using Frame = std::array<char, ROOM>;
            std::make_shared<Session<Frame>>(std::move(socket), Frame())->read();
        } else {
            using Heap = std::vector<char>;
            std::make_shared<Session<Heap>>(std::move(socket), Heap(room))->read();
        }
        accept(acceptor, room);
    });
}

void tick(asio::steady_timer &timer) {
    auto begin = Clock::now();
    timer.expires_at(begin + TICK);
    timer.async_wait([&timer, begin](error_code) {
        std::chrono::duration<double, std::micro> lag = Clock::now() - begin - TICK;
        {
            std::lock_guard<std::mutex> held(guard);
            lags.push_back(lag.count());
        }
        tick(timer);
    });
}

void until_input_ends() {
    char ignored[256];
    while (::read(0, ignored, sizeof ignored) > 0) {
    }
    std::lock_guard<std::mutex> held(guard);
    if (!lags.empty()) {
        std::sort(lags.begin(), lags.end());
        auto at = [](std::size_t per_mille) { return lags[(lags.size() * per_mille + 999) / 1000 - 1]; };
        std::printf("lags %f %f %f\n", at(500), at(990), at(1000));
        std::fflush(stdout);
    }
    ::_exit(0);
}

int main(int count, char **arguments) {
    if (count == 2 && std::string(arguments[1]) == "version") {
        std::printf("Boost %s, g++ %s\n", BOOST_LIB_VERSION, __VERSION__);
        return 0;
    }
    if (count != 3) {
        std::fprintf(stderr, "usage: net-asio echo|ticker ROOM, or net-asio version\n");
        return 2;
    }
    asio::io_context context(1);
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    // Connections inherit it.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.listen(4096);
    std::printf("listening on 127.0.0.1:%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    std::thread(until_input_ends).detach();
    asio::steady_timer timer(context);
    if (std::string(arguments[1]) == "ticker") tick(timer);
    accept(acceptor, std::stoul(arguments[2]));
    context.run();
}
