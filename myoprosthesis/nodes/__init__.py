"""ROS 2 nodes: the only place with rclpy. Parameters in, object built, messages translated, result out."""
