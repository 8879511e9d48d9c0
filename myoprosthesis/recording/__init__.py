"""Recordings of what a stack publishes: rosbag2 folders of MCAP files, written and read without ROS."""
