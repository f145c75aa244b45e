"""A DigitalOcean of our own: the real API's behaviour and quirks, with a clock that we move.

world.py      what exists, what it costs, and what goes wrong
answers.py    the JSON of the real answers
api.py        requests to answers, without a socket
server.py     the same as an HTTP server
transport.py  the same as a transport of pydo, for tests with thousands of calls
contract.py   every answer held against DigitalOcean's own API description
boot.py       droplets that run their user-data: init.py, systemd.py, power.py, kernels.py
"""
